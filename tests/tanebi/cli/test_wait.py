from __future__ import annotations

import threading
from typing import Any

import pytest

from tanebi.cli.wait import condition_is
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.test_get import config_map, service


def path(ns: str) -> str:
    return f"/apis/serving.knative.dev/v1/namespaces/{ns}/services/hello"


def status(ready: str, **more: Any) -> dict[str, Any]:
    return {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": ready, **more}]}


def test_what_holds_already(shell: Shell, ns: str) -> None:
    shell.apply(service(ns))
    shell.set_status(path(ns), status("True"))
    said = shell.good("wait", "ksvc/hello", "--for=condition=Ready", "-n", ns)
    assert said == "service.serving.knative.dev/hello condition met\n"
    shell.good("wait", "ksvc", "hello", "--for=condition=ready=true", "-n", ns)


def test_what_comes_true(shell: Shell, ns: str) -> None:
    shell.apply(service(ns))
    later = threading.Timer(0.3, shell.set_status, (path(ns), status("True")))
    later.start()
    shell.good("wait", "ksvc/hello", "--for=condition=Ready", "-n", ns, "--timeout=10s")
    later.join()


def test_a_timeout_says_how_far_it_came(shell: Shell, ns: str) -> None:
    shell.apply(service(ns))
    told = status("False", reason="RevisionMissing", message="no image")
    shell.set_status(path(ns), told)
    called = shell("wait", "ksvc/hello", "--for=condition=Ready", "-n", ns, "--timeout=0.5s")
    assert called.code == 1
    assert (
        "timed out waiting for condition=Ready on service.serving.knative.dev/hello" in called.err
    )
    assert "Ready is False: RevisionMissing: no image" in called.err


def test_deletion(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    api = shell.api
    where = f"/api/v1/namespaces/{ns}/configmaps/m"
    later = threading.Timer(0.3, api.call, ("DELETE", where))
    later.start()
    shell.good("wait", "cm/m", "--for=delete", "-n", ns, "--timeout=10s")
    later.join()
    api.close()


def test_what_is_not_there(shell: Shell, ns: str) -> None:
    called = shell("wait", "ksvc/gone", "--for=condition=Ready", "-n", ns)
    assert called.code == 1
    assert "not found" in called.err
    assert shell("wait", "ksvc", "--all", "--for=condition=Ready", "-n", ns).code == 1
    assert shell("wait", "ksvc/x", "--for=jsonpath", "-n", ns).code == 1
    assert shell("wait", "ksvc/x", "--for=condition=Ready", "--timeout=soon").code == 2


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        ({}, False),
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ({"metadata": {"generation": 2}, "status": status("True")}, False),
        ({"metadata": {"generation": 1}, "status": status("True")}, True),
        ({"status": status("Unknown")}, False),
    ],
)
def test_a_condition_of_an_older_generation_does_not_count(obj: dict[str, Any], want: bool) -> None:
    assert condition_is(obj, "Ready", "True") is want
