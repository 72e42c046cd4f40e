from __future__ import annotations

from typing import Any

import pytest

from importers.api.ping import PING_SOURCE
from importers.ping import PingImporter
from importers.reconcile.source import SourceReconciler
from tanebi.api.kind import Kind, Kinds
from tanebi.api.meta import Key, KStatus, Obj, Resource
from tanebi.testing.planning import PlanningWorld


class Basin(Resource):
    """Something addressable."""

    status: KStatus = KStatus()


BASIN: Kind[Basin] = Kind("example.dev", "v1", "Basin", "basins", Basin)
OTHER: Kind[Basin] = Kind("example.dev", "v1", "Other", "others", Basin)
RECONCILER = SourceReconciler(
    PingImporter, kinds=Kinds((PING_SOURCE, BASIN, OTHER)), addressables=(BASIN,)
)


def ping(sink: dict[str, Any]) -> Obj:
    return {
        "metadata": {"name": "beat", "namespace": "ns"},
        "spec": {"schedule": "* * * * *", "sink": sink},
    }


def basin(url: str = "http://basin.ns.example/") -> Obj:
    return {"metadata": {"name": "b", "namespace": "ns"}, "status": {"address": {"url": url}}}


REF = {"ref": {"apiVersion": "example.dev/v1", "kind": "Basin", "name": "b"}}


def status(world: PlanningWorld) -> dict[str, Any]:
    obj = world.raw(PING_SOURCE, "ns", "beat")
    assert obj is not None
    found: dict[str, Any] = obj["status"]
    return found


def ready(world: PlanningWorld) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in status(world)["conditions"] if c["type"] == "Ready")
    return found


@pytest.mark.parametrize(
    ("sink", "url"),
    [
        ({"uri": "http://elsewhere.example/x"}, "http://elsewhere.example/x"),
        (REF, "http://basin.ns.example/"),
        ({**REF, "uri": "/deep"}, "http://basin.ns.example/deep"),
    ],
)
def test_a_resolved_sink_makes_it_ready(sink: dict[str, Any], url: str) -> None:
    world = PlanningWorld()
    world.put(BASIN, basin())
    world.put(PING_SOURCE, ping(sink))
    world.settle([RECONCILER])
    assert status(world)["sinkUri"] == url
    assert ready(world)["status"] == "True"
    assert status(world)["ceAttributes"] == [
        {"type": "dev.knative.sources.ping", "source": "/apis/v1/namespaces/ns/pingsources/beat"}
    ]


def test_the_sink_may_come_later_and_go_again() -> None:
    world = PlanningWorld()
    world.put(PING_SOURCE, ping(REF))
    plan = world.reconcile(RECONCILER, "ns", "beat")
    assert "sinkUri" not in status(world)
    assert (ready(world)["status"], ready(world)["reason"]) == ("False", "NotFound")
    assert '"b" not found' in ready(world)["message"]
    assert [(note.type, note.reason) for note in plan.events] == [("Warning", "SinkNotFound")]
    world.put(BASIN, basin())
    world.settle([RECONCILER])
    assert ready(world)["status"] == "True"
    world.delete(BASIN, "ns", "b")
    world.settle([RECONCILER])
    assert ready(world)["status"] == "False"


@pytest.mark.parametrize(
    "ref",
    [
        {"apiVersion": "example.dev/v1", "kind": "Other", "name": "b"},
        {"apiVersion": "no.such/v1", "kind": "Thing", "name": "b"},
    ],
)
def test_what_cannot_be_a_sink_is_said(ref: dict[str, str]) -> None:
    world = PlanningWorld()
    world.put(PING_SOURCE, ping({"ref": ref}))
    world.settle([RECONCILER])
    assert ready(world)["status"] == "False"


def test_a_changed_sink_concerns_those_who_name_it() -> None:
    world = PlanningWorld()
    for name, sink in (("one", REF), ("two", {"uri": "http://a.example"}), ("three", REF)):
        obj = ping(sink)
        obj["metadata"]["name"] = name
        world.put(PING_SOURCE, obj)
    (reads,) = RECONCILER.reads
    found = list(reads.keys(basin(), world))
    assert found == [Key("ns", "one"), Key("ns", "three")]
    elsewhere = basin()
    elsewhere["metadata"]["namespace"] = "other"
    assert list(reads.keys(elsewhere, world)) == []
