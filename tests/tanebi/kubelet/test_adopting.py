"""Children change hands as their labels do."""

from __future__ import annotations

from typing import Any

from tanebi.api import selectors
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.meta import Obj
from tanebi.kubelet.adopting import claimants, claims
from tanebi.testing.planning import PlanningWorld

CHOSEN = selectors.from_labels({"app": "a"})
MINE = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "rs",
    "uid": "rs-1",
    "controller": True,
}
OTHER = {**MINE, "name": "other", "uid": "other-1"}


def owner(**meta: Any) -> Any:
    return REPLICA_SET.view({"metadata": {"name": "rs", "namespace": "ns", "uid": "rs-1", **meta}})


def pod(name: str, app: str, *owners: Obj, phase: str = "Running") -> Obj:
    meta = {"name": name, "namespace": "ns", "labels": {"app": app}, "ownerReferences": [*owners]}
    return {"metadata": meta, "spec": {}, "status": {"phase": phase}}


def world(*pods: Obj) -> PlanningWorld:
    found = PlanningWorld()
    for each in pods:
        found.put(POD, each)
    return found


def test_orphans_that_fit_are_adopted_and_others_let_go() -> None:
    seen = world(
        pod("orphan", "a"),
        pod("done", "a", phase="Succeeded"),
        pod("stranger", "b"),
        pod("mine", "a", MINE),
        pod("strayed", "b", MINE),
        pod("theirs", "a", OTHER),
    )
    adopted, released = claims(owner(), POD, seen, CHOSEN)
    assert (adopted.name, released.name) == ("orphan", "strayed")
    assert adopted.body["metadata"]["ownerReferences"][0]["uid"] == "rs-1"
    assert adopted.body["metadata"]["uid"]
    assert released.body["metadata"]["ownerReferences"] is None


def test_who_is_going_takes_nobody() -> None:
    going = owner(deletionTimestamp="2026-01-01T00:00:00Z")
    assert claims(going, POD, world(pod("orphan", "a")), CHOSEN) == ()


def test_whom_an_orphan_concerns() -> None:
    seen = world()
    seen.put(REPLICA_SET, {"metadata": {"name": "rs", "namespace": "ns"}, "spec": {}})
    keys = claimants(REPLICA_SET, lambda found: CHOSEN)
    assert [key.name for key in keys(pod("p", "a"), seen)] == ["rs"]
    assert keys(pod("p", "b"), seen) == []
    assert list(keys(pod("p", "a", OTHER), seen)) == []
    assert claimants(REPLICA_SET, lambda found: None)(pod("p", "a"), seen) == []
