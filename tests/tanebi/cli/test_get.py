from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import yaml

from tests.tanebi.cli.driving import Shell


def config_map(ns: str, name: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": ns, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def service(ns: str, name: str = "hello") -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": ns},
        "spec": {"template": {"spec": {"containers": [{"image": "dev.local/hello"}]}}},
    }


def revision(ns: str, name: str = "hello-00001") -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {
            "name": name,
            "namespace": ns,
            "labels": {"serving.knative.dev/service": "hello"},
        },
        "spec": {"containers": [{"image": "dev.local/hello"}]},
    }


def broker(ns: str) -> dict[str, Any]:
    metadata = {"name": "default", "namespace": ns}
    return {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": metadata}


def test_a_table_as_the_server_has_it(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    head, row = shell.good("get", "cm", "-n", ns).splitlines()
    assert head.split() == ["NAME", "DATA", "AGE"]
    assert row.split()[:2] == ["m", "1"]
    assert shell.good("get", "configmaps", "m", "-n", ns, "--no-headers").split()[:2] == ["m", "1"]


def test_all_namespaces_come_with_their_names(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    head, *rows = shell.good("get", "cm", "-A").splitlines()
    assert head.split()[0] == "NAMESPACE"
    assert [ns, "m"] in [row.split()[:2] for row in rows]


def test_labels_choose(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "one", app="a"), config_map(ns, "two", app="b"))
    assert shell.good("get", "cm", "-n", ns, "-l", "app=b", "-o", "name") == "configmap/two\n"


def test_yaml_json_and_names(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"), config_map(ns, "n"))
    one = yaml.safe_load(shell.good("get", "cm", "m", "-n", ns, "-o", "yaml"))
    assert (one["kind"], one["metadata"]["name"], one["data"]) == ("ConfigMap", "m", {"a": "b"})
    several = json.loads(shell.good("get", "cm", "-n", ns, "-o", "json"))
    assert (several["kind"], len(several["items"])) == ("List", 2)
    assert {item["kind"] for item in several["items"]} == {"ConfigMap"}
    assert shell.good("get", "cm/m", "cm/n", "-n", ns, "-o", "name") == "configmap/m\nconfigmap/n\n"


def test_service_means_knatives(shell: Shell, ns: str) -> None:
    shell.apply(service(ns))
    for name in ("ksvc", "service", "services", "services.serving.knative.dev"):
        assert shell.good("get", name, "-n", ns, "-o", "name") == (
            "service.serving.knative.dev/hello\n"
        )


def test_several_kinds_are_several_tables(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"), service(ns))
    shown = shell.good("get", "cm,ksvc", "-n", ns)
    first, second = shown.split("\n\n")
    assert "configmap/m" in first
    assert "service.serving.knative.dev/hello" in second


def test_a_category_unfolds(shell: Shell, ns: str) -> None:
    shell.apply(service(ns), broker(ns))
    shown = shell.good("get", "knative", "-n", ns)
    assert "service.serving.knative.dev/hello" in shown
    assert "broker.eventing.knative.dev/default" in shown


def test_revisions_say_why(shell: Shell, ns: str) -> None:
    shell.apply(revision(ns))
    shell.set_status(
        f"/apis/serving.knative.dev/v1/namespaces/{ns}/revisions/hello-00001",
        {
            "actualReplicas": 1,
            "desiredReplicas": 3,
            "conditions": [{"type": "Ready", "status": "True"}],
            "annotations": {"tanebi.dev/why": "panic: 21 in flight, 3 pods of 7"},
        },
    )
    head, row = shell.good("get", "revisions", "-n", ns).splitlines()
    assert head.split() == ["NAME", "SERVICE", "READY", "SCALE", "AGE", "WHY"]
    assert row.split()[:4] == ["hello-00001", "hello", "True", "1/3"]
    assert row.endswith("panic: 21 in flight, 3 pods of 7")
    wide = shell.good("get", "revisions", "-n", ns, "-o", "wide")
    assert "WHY" not in wide
    assert "GENERATION" in wide


def test_brokers_have_an_address_that_works_here(shell: Shell, ns: str) -> None:
    shell.apply(broker(ns))
    url = f"http://broker-ingress.knative-eventing.svc.cluster.local/{ns}/default"
    shell.set_status(
        f"/apis/eventing.knative.dev/v1/namespaces/{ns}/brokers/default", {"address": {"url": url}}
    )
    row = shell.good("get", "brokers", "-n", ns).splitlines()[1]
    assert row.split()[:3] == ["default", url, f"http://localhost:1/{ns}/default"]


def test_nothing_there_is_said_and_is_no_error(shell: Shell, ns: str) -> None:
    called = shell("get", "ksvc", "-n", ns)
    assert (called.code, called.out) == (0, "")
    assert called.err == f"No resources found in {ns} namespace.\n"


def test_a_name_that_is_not_there_is_an_error(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    called = shell("get", "cm", "m", "gone", "-n", ns)
    assert called.code == 1
    assert "m" in called.out
    assert 'configmaps "gone" not found (NotFound)' in called.err


def test_an_unknown_kind_is_an_error(shell: Shell) -> None:
    called = shell("get", "dragons")
    assert called.code == 1
    assert "doesn't have a resource type 'dragons'" in called.err


def test_misuse(shell: Shell) -> None:
    assert shell("get").code == 2
    assert shell("get", "cm", "-o", "xml").code == 2
    assert shell("get", "cm", "m", "-A").code == 1
    assert shell("get", "cm/", "-n", "x").code == 1


def test_no_platform(nowhere: Shell) -> None:
    called = nowhere("get", "ksvc")
    assert called.code == 1
    assert f"no platform is running for data directory {nowhere.home.root}" in called.err
    assert "start it: tanebi up" in called.err


def watching(shell: Shell, *words: str, lines: int) -> list[str]:
    """The first `lines` lines of a watch in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tanebi", "get", *words, "-w", "--data-dir", str(shell.home.root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(20, child.kill)
    guard.start()
    try:
        assert child.stdout is not None
        found = []
        for _ in range(lines):
            found.append(child.stdout.readline())
            if len(found) == 2:
                shell.apply(config_map(words[-1], "second"), revision(words[-1], "second"))
        return found
    finally:
        guard.cancel()
        child.kill()
        child.communicate()


def test_a_watch_prints_what_comes(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "first"))
    head, first, second = watching(shell, "cm", "-n", ns, lines=3)
    assert head.split() == ["NAME", "DATA", "AGE"]
    assert first.split()[0] == "first"
    assert second.split()[0] == "second"


def test_a_watch_of_our_own_columns(shell: Shell, ns: str) -> None:
    shell.apply(revision(ns, "first"))
    head, first, second = watching(shell, "revisions", "-n", ns, lines=3)
    assert head.split()[-1] == "WHY"
    assert [first.split()[0], second.split()[0]] == ["first", "second"]
