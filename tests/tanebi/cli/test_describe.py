from __future__ import annotations

from datetime import UTC, datetime

from tanebi.cli.describe import conditions, events, head
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.test_get import config_map, revision, service

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
THEN = "2026-01-01T00:09:10Z"


def test_conditions_with_their_signs() -> None:
    found = [
        {
            "type": "RoutesReady",
            "status": "Unknown",
            "reason": "Waiting",
            "lastTransitionTime": THEN,
        },
        {
            "type": "Ready",
            "status": "False",
            "reason": "No",
            "message": "image",
            "lastTransitionTime": THEN,
        },
        {"type": "ConfigurationsReady", "status": "True", "lastTransitionTime": THEN},
    ]
    assert list(conditions({"status": {"conditions": found}}, NOW))[2:] == [
        "  OK   TYPE                  AGE   REASON",
        "  !!   Ready                 50s   No: image",
        "  ++   ConfigurationsReady   50s",
        "  ??   RoutesReady           50s   Waiting",
    ]


def test_events_tell_kind_count_and_age() -> None:
    found = [
        {"type": "Warning", "reason": "R", "message": "a\nb", "count": 3, "lastTimestamp": THEN}
    ]
    assert list(events(found, NOW))[-1].split() == ["Warning", "R", "50s", "3", "a", "b"]


def test_the_head_leaves_out_what_is_empty() -> None:
    obj = {"metadata": {"name": "x", "labels": {"b": "2", "a": "1"}, "creationTimestamp": THEN}}
    assert list(head(obj, NOW)) == [
        "Name:    x", "Labels:  a=1", "         b=2", "Age:     50s",
    ]  # fmt: skip


def test_a_service_shows_its_revisions(shell: Shell, ns: str) -> None:
    shell.apply(service(ns), revision(ns))
    shell.set_status(
        f"/apis/serving.knative.dev/v1/namespaces/{ns}/services/hello",
        {
            "url": "http://hello.example",
            "latestCreatedRevisionName": "hello-00001",
            "traffic": [
                {
                    "revisionName": "hello-00001",
                    "percent": 100,
                    "latestRevision": True,
                    "tag": "now",
                }
            ],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )
    shown = shell.good("describe", "ksvc", "hello", "-n", ns)
    assert "URL:          http://hello.example" in shown
    assert "100%  @latest (hello-00001) #now" in shown
    assert "Image:     dev.local/hello" in shown
    assert "++   Ready" in shown


def test_other_kinds_show_what_they_hold(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    shown = shell.good("describe", "cm/m", "-n", ns)
    assert "data:" in shown
    assert "a: b" in shown
    assert shell("describe", "ksvc", "-n", ns).code == 1
    assert shell("describe", "ksvc", "gone", "-n", ns).code == 1


def test_events_of_the_object_are_found(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    api = shell.api
    uid = api.get(f"/api/v1/namespaces/{ns}/configmaps/m")["metadata"]["uid"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": ns},
        "involvedObject": {"kind": "ConfigMap", "name": "m", "namespace": ns, "uid": uid},
        "type": "Normal",
        "reason": "Touched",
        "message": "by hand",
    }
    api.call("POST", f"/api/v1/namespaces/{ns}/events", body=event)
    api.close()
    assert "Touched" in shell.good("describe", "cm", "m", "-n", ns)
