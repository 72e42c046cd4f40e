from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.standby import STANDBY_SINCE
from tanebi.base.errors import Unavailable, UserError
from tanebi.cli.podnames import (
    DEFAULT_CONTAINER,
    POD,
    REVISION,
    SERVICE,
    SHOWN_ONLY,
    choose,
    choose_container,
    find_pod,
    none_runs,
    selector_of,
)
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import pod, running
from tests.tanebi.cli.test_get import service as knative_service


def seen(name: str, *, made: str = "1", ready: str = "True", **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": made, **meta},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_the_newest_ready_pod_else_one_that_runs() -> None:
    old, new, unready = seen("old"), seen("new", made="2"), seen("unready", made="3", ready="False")
    leaving = seen("leaving", made="4", deletionTimestamp="5")
    frozen = seen("frozen", made="6", annotations={STANDBY_SINCE: "x"})
    pending = {"metadata": {"name": "pending"}, "status": {"phase": "Pending"}}
    assert choose([old, new, unready, leaving, frozen, pending]) is new
    assert choose([unready, leaving, frozen, pending]) is unready
    assert choose([leaving, frozen, pending]) is None


@pytest.mark.parametrize(
    ("type_", "spec", "expected"),
    [
        (SERVICE, {}, "serving.knative.dev/service=x"),
        (REVISION, {}, "serving.knative.dev/revision=x"),
        (POD, {"selector": {"app": "a", "b": "c"}}, "app=a,b=c"),
        (POD, {"selector": {"matchLabels": {"app": "a"}}}, "app=a"),
        (
            POD,
            {
                "selector": {
                    "matchLabels": {"app": "a"},
                    "matchExpressions": [
                        {"key": "k", "operator": "In", "values": ["1", "2"]},
                        {"key": "l", "operator": "NotIn", "values": ["3"]},
                        {"key": "m", "operator": "Exists"},
                        {"key": "n", "operator": "DoesNotExist"},
                    ],
                }
            },
            "app=a,k in (1,2),l notin (3),m,!n",
        ),
        (POD, {}, ""),
        (POD, {"selector": "app=a"}, ""),
    ],
)
def test_selectors(type_: Any, spec: dict[str, Any], expected: str) -> None:
    assert selector_of(type_, {"metadata": {"name": "x"}, "spec": spec}) == expected


@pytest.mark.parametrize(
    ("names", "annotations", "given", "name", "note"),
    [
        (["a"], {}, "", "a", ""),
        (["a", "b"], {}, "b", "b", ""),
        (["a", "b"], {}, "", "a", 'Defaulted container "a" out of: a, b, i (init)'),
        (["a", "b"], {DEFAULT_CONTAINER: "b"}, "", "b", ""),
        (["a", "queue-proxy"], {SHOWN_ONLY: "queue-proxy"}, "", "a", ""),
    ],
)
def test_containers(
    names: list[str], annotations: dict[str, str], given: str, name: str, note: str
) -> None:
    spec = {"containers": [{"name": n} for n in names], "initContainers": [{"name": "i"}]}
    found = choose_container({"metadata": {"annotations": annotations}, "spec": spec}, given)
    assert found == (name, note)


def test_why_none_runs() -> None:
    meta = {"name": "x", "namespace": "n"}
    asleep = {"metadata": meta, "status": {"url": "http://x.n.localhost"}}
    assert (
        "scaled to zero"
        in none_runs(SERVICE, asleep, [seen("f", annotations={STANDBY_SINCE: ""})]).message
    )
    assert none_runs(SERVICE, asleep, []).hint == "a request wakes it: curl http://x.n.localhost"
    assert "its service" in none_runs(REVISION, {"metadata": meta}, []).hint
    failed = {"type": "Ready", "status": "False", "reason": "R", "message": "m"}
    broken = {"metadata": meta, "status": {"conditions": [failed]}}
    assert none_runs(SERVICE, broken, []).hint == "Ready is False: R: m"
    assert "describe pod w -n n" in none_runs(SERVICE, asleep, [seen("w")]).hint
    assert none_runs(POD, {"metadata": meta}, []).message == "pod/x has no pods"


def test_finding(shell: Shell, ns: str) -> None:
    service = {"serving.knative.dev/service": "hello", "app": "a"}
    running(shell, pod("one", ns, labels=service), ready=False)
    api = shell.api
    assert find_pod(api, "one", ns).name == find_pod(api, "pod/one", ns).name == "one"
    assert find_pod(api, "one", ns).path("exec").endswith(f"/{ns}/pods/one/exec")
    shell.apply(knative_service(ns, "hello"), knative_service(ns, "idle"))
    found = find_pod(api, "hello", ns)
    assert (found.name, "is ready; taking one" in found.note) == ("one", True)
    running(shell, pod("two", ns, labels=service))
    assert find_pod(api, "ksvc/hello", ns).note == ""
    assert find_pod(api, "ksvc/hello", ns).name == "two"
    core = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
    shell.apply(
        {
            **core,
            "metadata": {"name": "a", "namespace": ns},
            "spec": {**core["spec"], "selector": {"app": "a"}},
        },  # type: ignore[dict-item]
        {**core, "metadata": {"name": "bare", "namespace": ns}},
    )
    assert find_pod(api, "svc/a", ns).name == "two"
    with pytest.raises(UserError, match="which pods"):
        find_pod(api, "svc/bare", ns)
    with pytest.raises(Unavailable, match="scaled to zero"):
        find_pod(api, "idle", ns)
    for bad in ("", "/x", "pod/"):
        with pytest.raises(UserError, match="TYPE/NAME"):
            find_pod(api, bad, ns)
    for unknown in ("nobody", "pod/nobody"):
        with pytest.raises(UserError, match='pods "nobody" not found in namespace') as raised:
            find_pod(api, unknown, ns)
        assert "ksvc/NAME" in raised.value.hint
    api.close()
