"""Routing states: pending until used, active while used, reserve afterwards."""

from __future__ import annotations

from typing import Any

from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.reconcile.labeler import configurations_of

STATE = "serving.knative.dev/routingState"
ROUTES = "serving.knative.dev/routes"
MODIFIED = "serving.knative.dev/routingStateModified"


def state(serving: Any, kind: Any, name: str) -> tuple[str | None, str | None]:
    meta = serving.world.raw(kind, "default", name)["metadata"]
    return meta["labels"].get(STATE), (meta.get("annotations") or {}).get(ROUTES)


def test_a_revision_that_no_route_uses_stays_pending(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.run()
    assert state(serving, REVISION, "hello-00001") == ("pending", None)


def test_used_then_left(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert state(serving, REVISION, "hello-00001") == ("active", "hello")
    assert state(serving, CONFIGURATION, "hello") == ("active", "hello")
    before = serving.world.raw(REVISION, "default", "hello-00001")["metadata"]["annotations"]
    serving.apply(SERVICE, ksvc(container={"env": [{"name": "A", "value": "2"}]}))
    serving.run()
    assert state(serving, REVISION, "hello-00001") == ("reserve", None)
    assert state(serving, REVISION, "hello-00002") == ("active", "hello")
    after = serving.world.raw(REVISION, "default", "hello-00001")["metadata"]["annotations"]
    assert after[MODIFIED] > before[MODIFIED]


def test_the_newest_made_is_active_before_it_is_ready(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.apply(SERVICE, ksvc(container={"env": [{"name": "A", "value": "2"}]}))
    serving.settle()
    assert state(serving, REVISION, "hello-00002") == ("active", "hello")
    assert state(serving, REVISION, "hello-00001") == ("active", "hello")


def test_a_deleted_route_leaves_its_revisions_in_reserve(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    traffic = [{"configurationName": "hello", "percent": 100}]
    serving.apply(ROUTE, {"metadata": {"name": "way"}, "spec": {"traffic": traffic}})
    serving.run()
    assert state(serving, REVISION, "hello-00001") == ("active", "way")
    gone = serving.world.raw(ROUTE, "default", "way")
    serving.world.delete(ROUTE, "default", "way")
    assert [k.name for k in configurations_of(gone, serving.world)] == ["hello"]
    serving.settle()
    assert state(serving, REVISION, "hello-00001") == ("reserve", None)
    assert state(serving, CONFIGURATION, "hello") == ("reserve", None)


def test_two_routes(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    pinned = [{"revisionName": "hello-00001", "percent": 100}]
    serving.apply(ROUTE, {"metadata": {"name": "also"}, "spec": {"traffic": pinned}})
    serving.run()
    assert state(serving, REVISION, "hello-00001") == ("active", "also,hello")
    route = serving.world.raw(ROUTE, "default", "also")
    assert [k.name for k in configurations_of(route, serving.world)] == ["hello"]
