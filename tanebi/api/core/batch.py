"""Job and CronJob (batch/v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import PodTemplateSpec
from tanebi.api.core.workload import LabelSelector
from tanebi.api.meta import Model, Resource


class ExitCodesRequirement(Model):
    container_name: str | None = None
    operator: str = ""
    values: list[int] = Field(default_factory=list)


class PodConditionPattern(Model):
    type: str = ""
    status: str = ""


class PodFailureRule(Model):
    action: str = ""
    on_exit_codes: ExitCodesRequirement | None = None
    on_pod_conditions: list[PodConditionPattern] = Field(default_factory=list)


class PodFailurePolicy(Model):
    rules: list[PodFailureRule] = Field(default_factory=list)


class SuccessRule(Model):
    succeeded_indexes: str | None = None
    succeeded_count: int | None = None


class SuccessPolicy(Model):
    rules: list[SuccessRule] = Field(default_factory=list)


class JobSpec(Model):
    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    selector: LabelSelector | None = None
    manual_selector: bool | None = None
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)
    ttl_seconds_after_finished: int | None = None
    completion_mode: str | None = None
    suspend: bool | None = None
    pod_replacement_policy: str | None = None
    managed_by: str | None = None


class JobCondition(Model):
    type: str
    status: str = "Unknown"
    last_probe_time: str | None = None
    last_transition_time: str | None = None
    reason: str = ""
    message: str = ""


class UncountedPods(Model):
    succeeded: list[str] = Field(default_factory=list)
    failed: list[str] = Field(default_factory=list)


class JobStatus(Model):
    conditions: list[JobCondition] = Field(default_factory=list)
    start_time: str | None = None
    completion_time: str | None = None
    active: int = 0
    terminating: int | None = None
    succeeded: int = 0
    failed: int = 0
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedPods | None = None
    ready: int | None = None

    def is_true(self, type_: str) -> bool:
        return any(c.type == type_ and c.status == "True" for c in self.conditions)


class Job(Resource):
    spec: JobSpec = Field(default_factory=JobSpec)
    status: JobStatus = Field(default_factory=JobStatus)

    @property
    def finished(self) -> bool:
        return self.status.is_true("Complete") or self.status.is_true("Failed")


class JobTemplate(Model):
    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: JobSpec = Field(default_factory=JobSpec)


class CronJobSpec(Model):
    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = ""
    suspend: bool | None = None
    job_template: JobTemplate = Field(default_factory=JobTemplate)
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None


class CronJobStatus(Model):
    active: list[dict[str, Any]] = Field(default_factory=list)
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Resource):
    spec: CronJobSpec = Field(default_factory=CronJobSpec)
    status: CronJobStatus = Field(default_factory=CronJobStatus)
