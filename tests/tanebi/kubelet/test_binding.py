"""Pods that come unbound."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.meta import Key, Obj
from tanebi.kube.plan import Plan
from tanebi.kubelet.binding import BindingReconciler
from tanebi.testing.planning import PlanningWorld

RECONCILER = BindingReconciler("here")


def world(**node: Any) -> PlanningWorld:
    found = PlanningWorld()
    status = {"allocatable": {"cpu": "1"}}
    found.put(NODE, {"metadata": {"name": "here"}, "spec": node, "status": status})
    return found


def put_pod(found: PlanningWorld, name: str = "p", **spec: Any) -> Obj:
    pod = {"containers": [{"name": "c", "image": "i"}], **spec}
    return found.put(POD, {"metadata": {"name": name, "namespace": "ns"}, "spec": pod})


def plan(found: PlanningWorld) -> Plan:
    return found.reconcile(RECONCILER, "ns", "p")


def test_what_fits_is_bound() -> None:
    here = world()
    put_pod(here)
    made = plan(here)
    assert made.patches[0].body == {"spec": {"nodeName": "here"}}
    assert made.events[0].message == "Successfully assigned ns/p to here"
    assert plan(here) == Plan(prune=False), "once is enough"


def test_another_schedulers_pods_wait_for_it() -> None:
    here = world()
    put_pod(here, schedulerName="theirs")
    assert plan(here) == Plan(prune=False)
    put_pod(here, schedulerName="default-scheduler")
    assert plan(here).patches


def test_what_does_not_fit_is_told() -> None:
    here = world(unschedulable=True)
    put_pod(here)
    made = plan(here)
    condition = (made.status or {})["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 node(s) were unschedulable")
    assert made.events[0].reason == "FailedScheduling"
    again = (plan(here).status or {})["conditions"][0]
    assert again["lastTransitionTime"] == condition["lastTransitionTime"]


def test_room_is_shared() -> None:
    here = world()
    asking = [{"name": "c", "resources": {"requests": {"cpu": "600m"}}}]
    put_pod(here, "other", nodeName="here", containers=asking)
    put_pod(here, containers=asking)
    assert "Insufficient cpu" in (plan(here).status or {})["conditions"][0]["message"]
    here.set_status(POD, "ns", "other", {"phase": "Succeeded"})
    assert plan(here).patches


def test_gates_and_a_missing_node() -> None:
    here = world()
    put_pod(here, schedulingGates=[{"name": "g"}])
    assert (plan(here).status or {})["conditions"][0]["reason"] == "SchedulingGated"
    empty = PlanningWorld()
    put_pod(empty)
    assert "no nodes available" in (plan(empty).status or {})["conditions"][0]["message"]


def test_a_node_concerns_the_pods_that_wait() -> None:
    here = world()
    put_pod(here)
    put_pod(here, "bound", nodeName="here")
    (reads,) = RECONCILER.reads
    assert list(reads.keys({}, here)) == [Key("ns", "p")]
