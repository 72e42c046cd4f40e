"""Kinds that are another one's objects in other words: events.k8s.io/v1 Event, autoscaling/v1 HorizontalPodAutoscaler.

Pure. One is stored, the other is a view of it in both directions, as Kubernetes' conversion functions have it
(k8s.io/kubernetes pkg/apis/events/v1, pkg/apis/autoscaling/v1). Caller: tanebi.apiserver.twins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from tanebi.api.core.kinds import EVENT
from tanebi.api.core.kinds_workload import AUTOSCALER
from tanebi.api.core.network import TargetRef
from tanebi.api.core.policy import ScaleTargetRef
from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Model, Obj, Resource


class EventsEvent(Resource):
    event_time: str | None = None
    series: dict[str, Any] | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    action: str = ""
    reason: str = ""
    regarding: TargetRef = Field(default_factory=TargetRef)
    related: TargetRef | None = None
    note: str = ""
    type: str = ""
    deprecated_source: dict[str, str] | None = None
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    deprecated_count: int | None = None


class CpuAutoscalerSpec(Model):
    scale_target_ref: ScaleTargetRef = Field(default_factory=ScaleTargetRef)
    min_replicas: int | None = None
    max_replicas: int = 0
    target_cpu_utilization_percentage: int | None = Field(
        default=None, alias="targetCPUUtilizationPercentage"
    )


class CpuAutoscalerStatus(Model):
    observed_generation: int | None = None
    last_scale_time: str | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_cpu_utilization_percentage: int | None = Field(
        default=None, alias="currentCPUUtilizationPercentage"
    )


class CpuAutoscaler(Resource):
    """A HorizontalPodAutoscaler that knows no metric but the CPU's."""

    spec: CpuAutoscalerSpec = Field(default_factory=CpuAutoscalerSpec)
    status: CpuAutoscalerStatus = Field(default_factory=CpuAutoscalerStatus)


@dataclass(frozen=True, slots=True)
class Twin:
    """`show` makes the view of a stored object, `store` the stored object of a view and of what is stored now, if anything.

    `fields` are the names that field selectors of the view may begin with, and what they are called in what is stored.
    """

    kind: AnyKind
    stored: AnyKind
    show: Callable[[Obj], Obj]
    store: Callable[[Obj, Obj | None], Obj]
    fields: Mapping[str, str] = field(default_factory=dict)


_EVENT_NAMES: Final = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_EVENT_SHOWN: Final = {stored: name for name, stored in _EVENT_NAMES.items()}


def show_event(obj: Obj) -> Obj:
    return {_EVENT_SHOWN.get(k, k): v for k, v in obj.items()} | {"apiVersion": "events.k8s.io/v1"}


def store_event(obj: Obj, live: Obj | None) -> Obj:
    return {_EVENT_NAMES.get(k, k): v for k, v in obj.items()} | {"apiVersion": "v1"}


def show_autoscaler(obj: Obj) -> Obj:
    spec = {k: v for k, v in (obj.get("spec") or {}).items() if k not in ("metrics", "behavior")}
    for metric in (obj.get("spec") or {}).get("metrics") or ():
        if _is_cpu(metric):
            average = metric["resource"]["target"].get("averageUtilization")
            spec["targetCPUUtilizationPercentage"] = average
    names = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
    status = {k: v for k, v in (obj.get("status") or {}).items() if k in names}
    return {**obj, "apiVersion": "autoscaling/v1", "spec": spec, "status": status}


def store_autoscaler(obj: Obj, live: Obj | None) -> Obj:
    """Metrics that the view cannot show are kept."""
    spec = dict(obj.get("spec") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    before = ((live or {}).get("spec") or {}).get("metrics") or []
    metrics = [metric for metric in before if not _is_cpu(metric)]
    if target is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": wanted}})
    return {**obj, "apiVersion": "autoscaling/v2", "spec": {**spec, "metrics": metrics}}


def _is_cpu(metric: Obj) -> bool:
    resource = metric.get("resource") or {}
    utilization = "averageUtilization" in (resource.get("target") or {})
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and utilization


EVENTS_EVENT: Final = Kind(
    "events.k8s.io",
    "v1",
    "Event",
    "events",
    EventsEvent,
    short_names=("ev",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=EVENT.columns,
)
CPU_AUTOSCALER: Final = Kind(
    "autoscaling",
    "v1",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    CpuAutoscaler,
    short_names=("hpa",),
    categories=("all",),
    builtin=True,
    has_generation=False,
    columns=AUTOSCALER.columns,
)
TWINS: Final = (
    Twin(EVENTS_EVENT, EVENT, show_event, store_event, _EVENT_NAMES),
    Twin(CPU_AUTOSCALER, AUTOSCALER, show_autoscaler, store_autoscaler),
)
