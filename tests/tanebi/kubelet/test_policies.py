"""Budgets are counted; autoscalers say that nobody drives them."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_workload import AUTOSCALER, BUDGET
from tanebi.api.meta import Key
from tanebi.kubelet.policies import NOT_DRIVEN, AutoscalerReconciler, BudgetReconciler
from tanebi.testing.planning import PlanningWorld
from tests.tanebi.kubelet.settling import make_ready

LABELS = {"app": "web"}


def world(count: int, **spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    for i in range(count):
        found.put(POD, {"metadata": {"name": f"p{i}", "namespace": "ns", "labels": LABELS}})
    make_ready(found)
    spec.setdefault("selector", {"matchLabels": LABELS})
    found.put(BUDGET, {"metadata": {"name": "b", "namespace": "ns"}, "spec": spec})
    return found


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 2}, 2, 1),
        ({"minAvailable": "50%"}, 2, 1),
        ({"maxUnavailable": 1}, 2, 1),
        ({"maxUnavailable": "100%"}, 0, 3),
        ({}, 1, 2),
    ],
)
def test_budgets(spec: dict[str, Any], desired: int, allowed: int) -> None:
    here = world(3, **spec)
    plan = here.reconcile(BudgetReconciler(), "ns", "b")
    status = plan.status or {}
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, allowed)
    assert (status["currentHealthy"], status["expectedPods"]) == (3, 3)
    assert status["conditions"][0]["reason"] == "SufficientPods"


def test_nobody_may_go() -> None:
    here = world(1, minAvailable=1)
    status = here.reconcile(BudgetReconciler(), "ns", "b").status or {}
    assert status["conditions"][0]["status"] == "False"
    (reads,) = BudgetReconciler().reads
    pod = here.raw(POD, "ns", "p0") or {}
    assert list(reads.keys(pod, here)) == [Key("ns", "b")]
    assert list(reads.keys({"metadata": {"namespace": "ns"}}, here)) == []


def test_autoscalers() -> None:
    here = PlanningWorld()
    ref = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": ref, "maxReplicas": 3}
    here.put(AUTOSCALER, {"metadata": {"name": "h", "namespace": "ns"}, "spec": spec})
    target = here.put(DEPLOYMENT, {"metadata": {"name": "web", "namespace": "ns"}})
    here.set_status(DEPLOYMENT, "ns", "web", {"replicas": 2})
    status = here.reconcile(AutoscalerReconciler(), "ns", "h").status or {}
    assert status["currentReplicas"] == 2
    assert status["conditions"][0]["message"] == NOT_DRIVEN
    assert list(AutoscalerReconciler().reads[0].keys(target, here)) == [Key("ns", "h")]
