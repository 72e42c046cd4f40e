"""Quotas, budgets and autoscalers as read."""

from __future__ import annotations

from tanebi.api.core.policy import HorizontalPodAutoscaler, PodDisruptionBudget, ResourceQuota


def test_views() -> None:
    assert ResourceQuota.model_validate({"spec": {"hard": {"pods": 2}}}).spec.hard == {"pods": 2}
    budget = PodDisruptionBudget.model_validate({"spec": {"minAvailable": "50%"}})
    assert budget.spec.min_available == "50%"
    assert HorizontalPodAutoscaler.model_validate({}).spec.max_replicas == 0
