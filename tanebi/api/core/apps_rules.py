"""ReplicaSet, StatefulSet, DaemonSet, ControllerRevision, ReplicationController: defaults, validation and columns.

Source: k8s.io/kubernetes pkg/apis/apps, pkg/apis/core. Pure. Caller: tanebi.api.core.kinds_workload.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tanebi.api.core.apps import (
    ControllerRevision,
    DaemonSet,
    DaemonSetStrategy,
    PodTemplate,
    ReplicaSet,
    ReplicationController,
    RollingDaemonSet,
    StatefulSet,
    StatefulSetStrategy,
)
from tanebi.api.core.cells import (
    TEMPLATE_COLUMNS,
    at,
    container_images,
    container_names,
    pairs,
    spec_count,
    status_count,
)
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import default_pod_spec, fill, objects
from tanebi.api.core.pod_validation import RESTART_POLICIES
from tanebi.api.core.refusals import (
    GoValue,
    amount_errors,
    forbidden,
    int_or_string,
    invalid,
    is_nothing,
    one_of,
    required,
)
from tanebi.api.core.storage_rules import default_claim
from tanebi.api.core.workload_rules import not_negative, selector_errors, template_errors
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

ROLLING: Final = "RollingUpdate"
ON_DELETE: Final = "OnDelete"
TEMPLATES: Final = "deprecated.daemonset.template.generation"
MANAGEMENT: Final = ("OrderedReady", "Parallel")


def default_replica_set(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"replicas": 1})
    default_pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    return obj


def validate_replica_set(
    found: ReplicaSet, old: ReplicaSet | None, admission: Admission
) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _replica_set_errors(found, old))


def _replica_set_errors(found: ReplicaSet, old: ReplicaSet | None) -> Iterator[FieldError]:
    spec = found.spec
    yield from not_negative(
        (("replicas", spec.replicas), ("minReadySeconds", spec.min_ready_seconds))
    )
    before = old.spec.selector if old else None
    yield from selector_errors(spec, before, owner="deployment")  # Kubernetes' own word for both
    yield from template_errors(spec.template)


def default_pod_template(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    default_pod_spec(obj.setdefault("template", {}).setdefault("spec", {}))
    return obj


def validate_pod_template(
    found: PodTemplate, old: PodTemplate | None, admission: Admission
) -> list[FieldError]:
    return [*template_errors(found.template, policies=RESTART_POLICIES)]


def default_replication_controller(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"replicas": 1})
    template = spec.get("template")
    if isinstance(template, dict):
        default_pod_spec(template.setdefault("spec", {}))
        labels = (template.get("metadata") or {}).get("labels") or {}
        if not spec.get("selector") and labels:
            spec["selector"] = dict(labels)
        if labels and not (obj.get("metadata") or {}).get("labels"):
            obj.setdefault("metadata", {})["labels"] = dict(labels)
    return obj


def validate_replication_controller(
    found: ReplicationController, old: ReplicationController | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    errors = list(not_negative((("replicas", found.spec.replicas),)))
    if not found.spec.selector:
        errors.append(required("selector"))
    if found.spec.template is None:
        errors.append(required("template"))
    return via("spec", errors)


def default_stateful_set(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(
        spec,
        {
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "revisionHistoryLimit": 10,
            "updateStrategy": {},
            "persistentVolumeClaimRetentionPolicy": {},
        },
    )
    retention = spec["persistentVolumeClaimRetentionPolicy"]
    fill(retention, {"whenDeleted": "Retain", "whenScaled": "Retain"})
    strategy = spec["updateStrategy"]
    fill(strategy, {"type": ROLLING})
    if strategy["type"] == ROLLING:
        fill(strategy, {"rollingUpdate": {}})
        fill(strategy["rollingUpdate"], {"partition": 0})
    default_pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    for claim in objects(spec, "volumeClaimTemplates"):
        fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        default_claim(claim, None, admission)
    return obj


def validate_stateful_set(
    found: StatefulSet, old: StatefulSet | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    return via("spec", [*_stateful_errors(found, old), *_stateful_changes(found, old)])


def _stateful_errors(found: StatefulSet, old: StatefulSet | None) -> Iterator[FieldError]:
    spec = found.spec
    yield from not_negative(
        (
            ("replicas", spec.replicas),
            ("minReadySeconds", spec.min_ready_seconds),
            ("revisionHistoryLimit", spec.revision_history_limit),
            ("ordinals.start", spec.ordinals.start if spec.ordinals else 0),
        )
    )
    if spec.pod_management_policy not in MANAGEMENT:
        yield invalid(
            "podManagementPolicy",
            spec.pod_management_policy,
            "must be 'OrderedReady' or 'Parallel'",
        )
    strategy = spec.update_strategy
    if strategy.type not in (ROLLING, ON_DELETE):
        shown = _strategy("StatefulSetUpdateStrategy", "RollingUpdateStatefulSetStrategy", strategy)
        yield invalid("updateStrategy", shown, "must be 'RollingUpdate' or 'OnDelete'")
    if strategy.rolling_update is not None and strategy.type == ON_DELETE:
        yield invalid(
            "updateStrategy.rollingUpdate",
            strategy.rolling_update.model_dump(by_alias=True, exclude_none=True),
            "only allowed for updateStrategy 'RollingUpdate'",
        )
    if strategy.rolling_update is not None:
        yield from not_negative(
            (("updateStrategy.rollingUpdate.partition", strategy.rolling_update.partition),)
        )
    yield from selector_errors(spec, None, owner="statefulset")
    yield from template_errors(spec.template)


def _stateful_changes(found: StatefulSet, old: StatefulSet | None) -> Iterator[FieldError]:
    if old is None:
        return
    free = {
        "replicas",
        "ordinals",
        "template",
        "update_strategy",
        "revision_history_limit",
        "persistent_volume_claim_retention_policy",
        "min_ready_seconds",
    }
    if found.spec.model_dump(exclude=free) != old.spec.model_dump(exclude=free):
        yield forbidden(
            "",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
            "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
            "'minReadySeconds' are forbidden",
        )


def default_daemon_set(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"revisionHistoryLimit": 10, "updateStrategy": {}})
    strategy = spec["updateStrategy"]
    fill(strategy, {"type": ROLLING})
    if strategy["type"] == ROLLING:
        fill(strategy, {"rollingUpdate": {}})
        fill(strategy["rollingUpdate"], {"maxUnavailable": 1, "maxSurge": 0})
    default_pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    _count_templates(obj, old)
    return obj


def _count_templates(obj: Obj, old: Obj | None) -> None:
    """What was a field once lives on as an annotation: how often the template changed."""
    meta = obj.setdefault("metadata", {})
    noted = ((meta if old is None else old["metadata"]).get("annotations") or {}).get(TEMPLATES)
    count = max(int(noted), 1) if isinstance(noted, str) and noted.isdecimal() else 1
    if old is not None and (old.get("spec") or {}).get("template") != obj["spec"]["template"]:
        count += 1
    meta["annotations"] = {**(meta.get("annotations") or {}), TEMPLATES: str(count)}


def validate_daemon_set(
    found: DaemonSet, old: DaemonSet | None, admission: Admission
) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _daemon_errors(found, old))


def _daemon_errors(found: DaemonSet, old: DaemonSet | None) -> Iterator[FieldError]:
    spec = found.spec
    yield from not_negative(
        (
            ("minReadySeconds", spec.min_ready_seconds),
            ("revisionHistoryLimit", spec.revision_history_limit),
        )
    )
    if spec.update_strategy.type not in (ROLLING, ON_DELETE):
        shown = _strategy("DaemonSetUpdateStrategy", "RollingUpdateDaemonSet", spec.update_strategy)
        yield one_of("updateStrategy", shown, (ROLLING, ON_DELETE))
    elif spec.update_strategy.type == ROLLING and spec.update_strategy.rolling_update:
        yield from via(
            "updateStrategy.rollingUpdate", _rolling(spec.update_strategy.rolling_update)
        )
    before = old.spec.selector if old else None
    yield from selector_errors(spec, before, owner="daemonset")
    yield from template_errors(spec.template)


def _rolling(rolling: RollingDaemonSet) -> Iterator[FieldError]:
    """Pods are replaced before they end or after, not both."""
    surge = rolling.max_surge
    yield from amount_errors("maxUnavailable", rolling.max_unavailable)
    yield from amount_errors("maxSurge", surge)
    if is_nothing(rolling.max_unavailable) and is_nothing(surge):
        yield required("maxUnavailable", "cannot be 0 when maxSurge is 0")
    elif surge is not None and not is_nothing(surge) and not is_nothing(rolling.max_unavailable):
        detail = "may not be set when maxUnavailable is non-zero"
        yield invalid("maxSurge", int_or_string(surge), detail)


def _strategy(
    name: str, rolling: str, strategy: StatefulSetStrategy | DaemonSetStrategy
) -> GoValue:
    address = "nil" if strategy.rolling_update is None else "0x0"
    shown = f'Type:"{strategy.type}", RollingUpdate:(*apps.{rolling})({address})'
    return GoValue(f"apps.{name}{{{shown}}}")


def validate_controller_revision(
    found: ControllerRevision, old: ControllerRevision | None, admission: Admission
) -> list[FieldError]:
    errors = list(not_negative((("revision", found.revision),)))
    if old is not None and old.data != found.data:
        errors.append(invalid("data", {}, "field is immutable"))
    return errors


def _ready(obj: Obj, now: datetime) -> str:
    ready = (obj.get("status") or {}).get("readyReplicas") or 0
    return f"{ready}/{(obj.get('spec') or {}).get('replicas') or 0}"


def _controller(obj: Obj, now: datetime) -> str:
    for ref in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if ref.get("controller"):
            group = str(ref.get("apiVersion", "")).rpartition("/")[0]
            kind = str(ref.get("kind", "")).lower()
            return f"{kind}.{group}/{ref.get('name')}" if group else f"{kind}/{ref.get('name')}"
    return NONE


REPLICA_SET_COLUMNS: Final = (
    Column("Desired", type="integer", cell=spec_count("replicas")),
    Column("Current", type="integer", cell=status_count("replicas")),
    Column("Ready", type="integer", cell=status_count("readyReplicas")),
    AGE,
    *TEMPLATE_COLUMNS,
)
REPLICATION_CONTROLLER_COLUMNS: Final = (
    *REPLICA_SET_COLUMNS[:4],
    Column("Containers", priority=1, cell=container_names),
    Column("Images", priority=1, cell=container_images),
    Column("Selector", priority=1, cell=pairs("spec.selector")),
)
STATEFUL_SET_COLUMNS: Final = (
    Column("Ready", cell=_ready),
    AGE,
    Column("Containers", priority=1, cell=container_names),
    Column("Images", priority=1, cell=container_images),
)
DAEMON_SET_COLUMNS: Final = (
    Column("Desired", type="integer", cell=status_count("desiredNumberScheduled")),
    Column("Current", type="integer", cell=status_count("currentNumberScheduled")),
    Column("Ready", type="integer", cell=status_count("numberReady")),
    Column("Up-to-date", type="integer", cell=status_count("updatedNumberScheduled")),
    Column("Available", type="integer", cell=status_count("numberAvailable")),
    Column("Node Selector", cell=pairs("spec.template.spec.nodeSelector")),
    AGE,
    *TEMPLATE_COLUMNS,
)
CONTROLLER_REVISION_COLUMNS: Final = (
    Column("Controller", cell=_controller),
    Column("Revision", cell=at("revision", 0)),
    AGE,
)
POD_TEMPLATE_COLUMNS: Final = (
    Column("Name", ".metadata.name", description="Name must be unique within a namespace."),
    Column("Containers", cell=lambda obj, now: container_names({"spec": obj}, now)),
    Column("Images", cell=lambda obj, now: container_images({"spec": obj}, now)),
    Column("Pod Labels", cell=pairs("template.metadata.labels")),
)
