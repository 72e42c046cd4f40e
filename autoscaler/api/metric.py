"""Metric (autoscaling.internal.knative.dev): what is measured for one revision, over which windows (nanoseconds)."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from tanebi.api.conditions import READY, Conditions, ConditionSet
from tanebi.api.fielderrors import FieldError, missing
from tanebi.api.kind import Admission, Column, Kind
from tanebi.api.meta import KStatus, Model, Resource

NANO: Final = 10**9
CONDITIONS: Final = ConditionSet(())


class MetricSpec(Model):
    stable_window: int = 0
    panic_window: int = 0
    scrape_target: str = ""


class Metric(Resource):
    spec: MetricSpec = Field(default_factory=MetricSpec)
    status: KStatus = Field(default_factory=KStatus)


def mark_measured(conditions: Conditions) -> None:
    """The autoscaler collects for this revision."""
    conditions.mark_true(READY)


def validate_metric(metric: Metric, old: Metric | None, admission: Admission) -> list[FieldError]:
    if metric.deleting or admission.subresource:
        return []
    lacking = [
        name
        for name, value in (
            ("spec.panicWindow", metric.spec.panic_window),
            ("spec.stableWindow", metric.spec.stable_window),
        )
        if not value
    ]
    return [missing(*lacking)] if lacking else []


METRIC: Final = Kind(
    "autoscaling.internal.knative.dev",
    "v1alpha1",
    "Metric",
    "metrics",
    Metric,
    categories=("knative-internal", "autoscaling"),
    columns=(
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
    ),
    labels={"knative.dev/crd-install": "true"},
    webhook="validation.webhook.serving.knative.dev",
    validate=validate_metric,
)
