"""Counting ready pods from EndpointSlices."""

from __future__ import annotations

from autoscaler.counts import (
    ReadyCounts,
    ready_in_slice,
    ready_of,
)
from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.meta import Key, Obj
from tanebi.testing.world import World

KEY = Key("n", "hello-00001")


def slice_(name: str, *states: str, service: str = "hello-00001-private") -> Obj:
    conditions = {
        "ready": {"ready": True},
        "starting": {"ready": False},
        "ending": {"ready": True, "terminating": True},
    }
    return {
        "metadata": {
            "namespace": "n",
            "name": name,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": conditions[s]} for s in states],
    }


def test_only_ready_and_staying_pods_count() -> None:
    assert ready_in_slice(slice_("a", "ready", "starting", "ending", "ready")) == 2
    assert ready_in_slice({"metadata": {"name": "empty"}, "endpoints": None}) == 0


def test_all_slices_of_a_service_count() -> None:
    world = World()
    world.put(ENDPOINT_SLICE, slice_("a", "ready", "ending"))
    world.put(ENDPOINT_SLICE, slice_("b", "ready", "starting"))
    world.put(ENDPOINT_SLICE, slice_("c", "ready", service="other-private"))
    assert ready_of(world, "n", "hello-00001-private") == 2
    assert ready_of(world, "n", "nobody-private") == 0


def test_following_changes() -> None:
    world, counts = World(), ReadyCounts()
    changed: list[Key | None] = []
    world.subscribe(ENDPOINT_SLICE, lambda old, new: changed.append(counts.changed(old, new)))
    assert counts.ready(KEY) == 0
    world.put(ENDPOINT_SLICE, slice_("a", "starting"))
    world.put(ENDPOINT_SLICE, slice_("a", "ready"))
    world.put(ENDPOINT_SLICE, slice_("b", "ready", "ready"))
    world.put(ENDPOINT_SLICE, slice_("x", "ready", service="foreign"))
    assert counts.ready(KEY) == 3
    world.drop(ENDPOINT_SLICE, "n", "a")
    assert counts.ready(KEY) == 2
    world.drop(ENDPOINT_SLICE, "n", "b")
    assert counts.ready(KEY) == 0
    assert changed == [None, KEY, KEY, None, KEY, KEY]
