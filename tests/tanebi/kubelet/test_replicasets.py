"""ReplicaSets that nobody controls get their pods; those of Deployments are shown in test_deployments."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_workload import REPLICA_SET, REPLICATION_CONTROLLER
from tanebi.api.meta import Obj, rfc3339
from tanebi.kubelet.replicasets import ReplicaReconciler
from tanebi.testing.planning import PlanningWorld

RECONCILER = ReplicaReconciler("here", REPLICA_SET)


def replica_set(replicas: int, **meta: Any) -> Obj:
    return {
        "metadata": {"name": "rs", "namespace": "ns", **meta},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "rs"}},
            "template": {
                "metadata": {"labels": {"app": "rs"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }


def make_ready(world: PlanningWorld) -> None:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(world.now)}
    for pod in world.list(POD, "ns"):
        status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [condition]}
        world.set_status(POD, "ns", pod.metadata.name, status)


def test_pods_are_made_and_dropped() -> None:
    world = PlanningWorld()
    world.put(REPLICA_SET, replica_set(3))
    assert world.reconcile(RECONCILER, "ns", "rs").status is None
    make_ready(world)
    world.reconcile(RECONCILER, "ns", "rs")
    found = world.get(REPLICA_SET, "ns", "rs")
    assert found is not None
    assert found.status.ready_replicas == found.status.replicas == 3
    world.put(REPLICA_SET, replica_set(1))
    world.reconcile(RECONCILER, "ns", "rs")
    assert len(world.list(POD, "ns")) == 1
    (left,) = world.list(POD, "ns")
    world.set_status(POD, "ns", left.metadata.name, {"phase": "Failed"})
    plan = world.reconcile(RECONCILER, "ns", "rs")
    assert len(plan.children) == len(plan.drops) == 1, "a failed pod is replaced"


def test_what_a_deployment_controls_is_only_told_about() -> None:
    world = PlanningWorld()
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "d"}
    world.put(REPLICA_SET, replica_set(3, ownerReferences=[{**owner, "controller": True}]))
    plan = world.reconcile(RECONCILER, "ns", "rs")
    assert plan.children == ()
    assert plan.status == {"replicas": 0, "observedGeneration": 1}


def test_a_replication_controller_is_the_same_with_a_plain_selector() -> None:
    world = PlanningWorld()
    wish = replica_set(2)
    wish["spec"]["selector"] = {"app": "rs"}
    world.put(REPLICATION_CONTROLLER, wish)
    controller = ReplicaReconciler("here", REPLICATION_CONTROLLER)
    world.reconcile(controller, "ns", "rs")
    make_ready(world)
    world.reconcile(controller, "ns", "rs")
    found = world.get(REPLICATION_CONTROLLER, "ns", "rs")
    assert found is not None
    assert found.status.available_replicas == 2


def test_what_was_refused_is_told_until_it_is_not() -> None:
    world = PlanningWorld()
    world.put(REPLICA_SET, replica_set(1))
    plan = world.plan(RECONCILER, "ns", "rs")
    assert plan.refused is not None
    status = plan.refused("exceeded quota")
    (told,) = status["conditions"]
    assert (told["type"], told["message"]) == ("ReplicaFailure", "exceeded quota")
    world.set_status(REPLICA_SET, "ns", "rs", status)
    world.put(REPLICA_SET, replica_set(0))
    world.reconcile(RECONCILER, "ns", "rs")
    found = world.get(REPLICA_SET, "ns", "rs")
    assert found is not None
    assert found.status.conditions == []
