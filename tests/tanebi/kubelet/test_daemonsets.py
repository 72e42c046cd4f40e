"""One pod on the one node."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import DAEMON_SET
from tanebi.api.meta import Key, Obj
from tanebi.kube.plan import Plan
from tanebi.kubelet.daemonsets import DaemonSetReconciler
from tanebi.testing.planning import PlanningWorld
from tests.tanebi.kubelet.settling import TEMPLATE, ended, pods, settle

RECONCILER = DaemonSetReconciler("here")


def daemon(image: str = "i", **spec: Any) -> Obj:
    template = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": image}]}}
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"selector": selector, "template": template, **spec},
    }


def world(**spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    found.put(NODE, {"metadata": {"name": "here"}})
    found.put(DAEMON_SET, daemon(**spec))
    return found


def step(found: PlanningWorld) -> Plan:
    return found.reconcile(RECONCILER, "ns", "web")


def test_one_pod_and_its_status() -> None:
    here = world()
    settle(here, RECONCILER)
    (pod,) = pods(here).values()
    assert pod.spec.node_name == "here"
    assert any(t["key"] == "node.kubernetes.io/unschedulable" for t in pod.spec.tolerations or ())
    found = here.get(DAEMON_SET, "ns", "web")
    assert found is not None
    status = found.status
    assert (status.desired_number_scheduled, status.number_ready) == (1, 1)
    assert status.updated_number_scheduled == status.number_available == 1


def test_an_update_waits_for_the_old_pod_to_go() -> None:
    here = world()
    settle(here, RECONCILER)
    here.put(DAEMON_SET, daemon("j"))
    first = step(here)
    assert len(first.drops) == 1
    assert [child["kind"] for child in first.children] == ["ControllerRevision"]
    settle(here, RECONCILER)
    (pod,) = pods(here).values()
    assert pod.spec.containers[0].image == "j"


def test_on_delete() -> None:
    here = world()
    settle(here, RECONCILER)
    here.put(DAEMON_SET, daemon("j", updateStrategy={"type": "OnDelete"}))
    assert step(here).drops == ()


def test_a_cordoned_node_keeps_its_pod_and_a_tainted_one_does_not() -> None:
    here = world()
    settle(here, RECONCILER)
    here.put(NODE, {"metadata": {"name": "here"}, "spec": {"unschedulable": True}})
    assert step(here).drops == ()
    taint = {"key": "k", "effect": "NoSchedule"}
    here.put(NODE, {"metadata": {"name": "here"}, "spec": {"taints": [taint]}})
    assert len(step(here).drops) == 1
    (reads,) = RECONCILER.reads
    assert list(reads.keys({"metadata": {"name": "here"}}, here)) == [Key("ns", "web")]
    assert list(reads.keys({"metadata": {"name": "x"}}, here)) == []


def test_a_failed_pod_is_made_anew() -> None:
    here = world()
    settle(here, RECONCILER)
    (name,) = pods(here)
    here.set_status(POD, "ns", name, ended(here.now, 1))
    assert [drop.name for drop in step(here).drops] == [name]
    settle(here, RECONCILER)
    assert len(pods(here)) == 1
