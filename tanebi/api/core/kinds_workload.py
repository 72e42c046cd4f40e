"""Kinds that make pods, and what goes with them: apps, batch, autoscaling and policy. Caller: tanebi.api.core.kinds."""

from __future__ import annotations

from typing import Final

from tanebi.api.core import apps, batch, policy
from tanebi.api.core.apps_rules import (
    CONTROLLER_REVISION_COLUMNS,
    DAEMON_SET_COLUMNS,
    POD_TEMPLATE_COLUMNS,
    REPLICA_SET_COLUMNS,
    REPLICATION_CONTROLLER_COLUMNS,
    STATEFUL_SET_COLUMNS,
    default_daemon_set,
    default_pod_template,
    default_replica_set,
    default_replication_controller,
    default_stateful_set,
    validate_controller_revision,
    validate_daemon_set,
    validate_pod_template,
    validate_replica_set,
    validate_replication_controller,
    validate_stateful_set,
)
from tanebi.api.core.batch_rules import (
    CRON_JOB_COLUMNS,
    JOB_COLUMNS,
    default_cron_job,
    default_job,
    validate_cron_job,
    validate_job,
)
from tanebi.api.core.policy_rules import (
    AUTOSCALER_COLUMNS,
    BUDGET_COLUMNS,
    default_autoscaler,
    validate_autoscaler,
    validate_budget,
)
from tanebi.api.kind import AnyKind, Kind, ScalePaths

REPLICA_SET: Final = Kind(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    apps.ReplicaSet,
    short_names=("rs",),
    categories=("all",),
    scale=ScalePaths(selector=".spec.selector"),
    builtin=True,
    columns=REPLICA_SET_COLUMNS,
    defaults=default_replica_set,
    validate=validate_replica_set,
)
STATEFUL_SET: Final = Kind(
    "apps",
    "v1",
    "StatefulSet",
    "statefulsets",
    apps.StatefulSet,
    short_names=("sts",),
    categories=("all",),
    scale=ScalePaths(selector=".spec.selector"),
    builtin=True,
    columns=STATEFUL_SET_COLUMNS,
    defaults=default_stateful_set,
    validate=validate_stateful_set,
)
DAEMON_SET: Final = Kind(
    "apps",
    "v1",
    "DaemonSet",
    "daemonsets",
    apps.DaemonSet,
    short_names=("ds",),
    categories=("all",),
    builtin=True,
    columns=DAEMON_SET_COLUMNS,
    defaults=default_daemon_set,
    validate=validate_daemon_set,
)
CONTROLLER_REVISION: Final = Kind(
    "apps",
    "v1",
    "ControllerRevision",
    "controllerrevisions",
    apps.ControllerRevision,
    status=False,
    builtin=True,
    has_generation=False,
    columns=CONTROLLER_REVISION_COLUMNS,
    validate=validate_controller_revision,
)
JOB: Final = Kind(
    "batch",
    "v1",
    "Job",
    "jobs",
    batch.Job,
    categories=("all",),
    builtin=True,
    columns=JOB_COLUMNS,
    defaults=default_job,
    validate=validate_job,
)
CRON_JOB: Final = Kind(
    "batch",
    "v1",
    "CronJob",
    "cronjobs",
    batch.CronJob,
    short_names=("cj",),
    categories=("all",),
    builtin=True,
    columns=CRON_JOB_COLUMNS,
    defaults=default_cron_job,
    validate=validate_cron_job,
)
REPLICATION_CONTROLLER: Final = Kind(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
    apps.ReplicationController,
    short_names=("rc",),
    categories=("all",),
    scale=ScalePaths(selector=".spec.selector"),
    builtin=True,
    columns=REPLICATION_CONTROLLER_COLUMNS,
    defaults=default_replication_controller,
    validate=validate_replication_controller,
)
POD_TEMPLATE: Final = Kind(
    "",
    "v1",
    "PodTemplate",
    "podtemplates",
    apps.PodTemplate,
    status=False,
    builtin=True,
    columns=POD_TEMPLATE_COLUMNS,
    defaults=default_pod_template,
    validate=validate_pod_template,
)
AUTOSCALER: Final = Kind(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    policy.HorizontalPodAutoscaler,
    short_names=("hpa",),
    categories=("all",),
    builtin=True,
    has_generation=False,
    columns=AUTOSCALER_COLUMNS,
    defaults=default_autoscaler,
    validate=validate_autoscaler,
)
BUDGET: Final = Kind(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    policy.PodDisruptionBudget,
    short_names=("pdb",),
    builtin=True,
    columns=BUDGET_COLUMNS,
    validate=validate_budget,
)

WORKLOAD_KINDS: Final[tuple[AnyKind, ...]] = (
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
    JOB,
    CRON_JOB,
    REPLICATION_CONTROLLER,
    POD_TEMPLATE,
    AUTOSCALER,
    BUDGET,
)
