"""ReplicaSet, StatefulSet, DaemonSet and ControllerRevision (apps/v1), ReplicationController and PodTemplate (v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import IntOrString, PodTemplateSpec
from tanebi.api.core.storage import PersistentVolumeClaim
from tanebi.api.core.workload import DeploymentCondition, LabelSelector
from tanebi.api.meta import Model, Resource


class ReplicaSetSpec(Model):
    replicas: int | None = None
    min_ready_seconds: int | None = None
    selector: LabelSelector = Field(default_factory=LabelSelector)
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)


class ReplicaSetStatus(Model):
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    observed_generation: int = 0
    conditions: list[DeploymentCondition] = Field(default_factory=list)


class ReplicaSet(Resource):
    spec: ReplicaSetSpec = Field(default_factory=ReplicaSetSpec)
    status: ReplicaSetStatus = Field(default_factory=ReplicaSetStatus)


class ReplicationControllerSpec(Model):
    replicas: int | None = None
    min_ready_seconds: int | None = None
    selector: dict[str, str] = Field(default_factory=dict)
    template: PodTemplateSpec | None = None


class ReplicationController(Resource):
    spec: ReplicationControllerSpec = Field(default_factory=ReplicationControllerSpec)
    status: ReplicaSetStatus = Field(default_factory=ReplicaSetStatus)


class RollingStatefulSet(Model):
    partition: int | None = None
    max_unavailable: IntOrString | None = None


class StatefulSetStrategy(Model):
    type: str = ""
    rolling_update: RollingStatefulSet | None = None


class ClaimRetention(Model):
    when_deleted: str = ""
    when_scaled: str = ""


class Ordinals(Model):
    start: int = 0


class StatefulSetSpec(Model):
    replicas: int | None = None
    selector: LabelSelector = Field(default_factory=LabelSelector)
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)
    volume_claim_templates: list[PersistentVolumeClaim] = Field(default_factory=list)
    service_name: str = ""
    pod_management_policy: str = ""
    update_strategy: StatefulSetStrategy = Field(default_factory=StatefulSetStrategy)
    revision_history_limit: int | None = None
    min_ready_seconds: int | None = None
    persistent_volume_claim_retention_policy: ClaimRetention | None = None
    ordinals: Ordinals | None = None


class StatefulSetStatus(Model):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: int | None = None
    conditions: list[DeploymentCondition] = Field(default_factory=list)


class StatefulSet(Resource):
    spec: StatefulSetSpec = Field(default_factory=StatefulSetSpec)
    status: StatefulSetStatus = Field(default_factory=StatefulSetStatus)


class RollingDaemonSet(Model):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None


class DaemonSetStrategy(Model):
    type: str = ""
    rolling_update: RollingDaemonSet | None = None


class DaemonSetSpec(Model):
    selector: LabelSelector = Field(default_factory=LabelSelector)
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)
    update_strategy: DaemonSetStrategy = Field(default_factory=DaemonSetStrategy)
    min_ready_seconds: int | None = None
    revision_history_limit: int | None = None


class DaemonSetStatus(Model):
    current_number_scheduled: int = 0
    number_misscheduled: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    observed_generation: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    collision_count: int | None = None
    conditions: list[DeploymentCondition] = Field(default_factory=list)


class DaemonSet(Resource):
    spec: DaemonSetSpec = Field(default_factory=DaemonSetSpec)
    status: DaemonSetStatus = Field(default_factory=DaemonSetStatus)


class ControllerRevision(Resource):
    """What a StatefulSet's or a DaemonSet's template was; `kubectl rollout undo` reads it."""

    data: dict[str, Any] | None = None
    revision: int = 0


class PodTemplate(Resource):
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)
