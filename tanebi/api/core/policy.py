"""ResourceQuota and LimitRange (v1), PodDisruptionBudget (policy/v1), PriorityClass (scheduling.k8s.io/v1),
HorizontalPodAutoscaler (autoscaling/v2)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import IntOrString, ResourceAmounts
from tanebi.api.core.workload import DeploymentCondition, LabelSelector
from tanebi.api.meta import Model, Resource


class QuotaSpec(Model):
    hard: ResourceAmounts = Field(default_factory=dict)
    scope_selector: dict[str, Any] | None = None
    scopes: list[str] = Field(default_factory=list)


class QuotaStatus(Model):
    hard: ResourceAmounts = Field(default_factory=dict)
    used: ResourceAmounts = Field(default_factory=dict)


class ResourceQuota(Resource):
    spec: QuotaSpec = Field(default_factory=QuotaSpec)
    status: QuotaStatus = Field(default_factory=QuotaStatus)


class LimitRangeItem(Model):
    type: str = ""
    max: ResourceAmounts = Field(default_factory=dict)
    min: ResourceAmounts = Field(default_factory=dict)
    default: ResourceAmounts = Field(default_factory=dict)
    default_request: ResourceAmounts = Field(default_factory=dict)
    max_limit_request_ratio: ResourceAmounts = Field(default_factory=dict)


class LimitRangeSpec(Model):
    limits: list[LimitRangeItem] = Field(default_factory=list)


class LimitRange(Resource):
    spec: LimitRangeSpec = Field(default_factory=LimitRangeSpec)


class BudgetSpec(Model):
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class BudgetStatus(Model):
    observed_generation: int = 0
    disrupted_pods: dict[str, str] = Field(default_factory=dict)
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: list[dict[str, Any]] = Field(default_factory=list)


class PodDisruptionBudget(Resource):
    spec: BudgetSpec = Field(default_factory=BudgetSpec)
    status: BudgetStatus = Field(default_factory=BudgetStatus)


class PriorityClass(Resource):
    value: int = 0
    global_default: bool | None = None
    description: str = ""
    preemption_policy: str | None = None


class ScaleTargetRef(Model):
    kind: str = ""
    name: str = ""
    api_version: str = ""


class AutoscalerSpec(Model):
    scale_target_ref: ScaleTargetRef = Field(default_factory=ScaleTargetRef)
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: list[dict[str, Any]] = Field(default_factory=list)
    behavior: dict[str, Any] | None = None


class AutoscalerStatus(Model):
    observed_generation: int | None = None
    last_scale_time: str | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_metrics: list[dict[str, Any]] = Field(default_factory=list)
    conditions: list[DeploymentCondition] = Field(default_factory=list)


class HorizontalPodAutoscaler(Resource):
    spec: AutoscalerSpec = Field(default_factory=AutoscalerSpec)
    status: AutoscalerStatus = Field(default_factory=AutoscalerStatus)
