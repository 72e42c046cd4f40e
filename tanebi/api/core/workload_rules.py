"""Deployment: defaults, validation and columns (k8s.io/kubernetes pkg/apis/apps), and what other
kinds with pod templates share with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Protocol

from tanebi.api import selectors
from tanebi.api.core.cells import TEMPLATE_COLUMNS, status_count
from tanebi.api.core.pod import PodTemplateSpec
from tanebi.api.core.pod_columns import AGE
from tanebi.api.core.pod_defaults import default_pod_spec, fill
from tanebi.api.core.pod_validation import validate_pod_spec
from tanebi.api.core.refusals import (
    GoValue,
    amount_errors,
    forbidden,
    int_or_string,
    invalid,
    is_nothing,
    not_supported,
    one_of,
    required,
)
from tanebi.api.core.workload import Deployment, LabelSelector, Lease, RollingUpdate
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

ROLLING: Final = "RollingUpdate"
RECREATE: Final = "Recreate"


def default_deployment(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(
        spec,
        {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}},
    )
    strategy = spec["strategy"]
    fill(strategy, {"type": ROLLING})
    if strategy["type"] == ROLLING:
        fill(strategy, {"rollingUpdate": {}})
        fill(strategy["rollingUpdate"], {"maxUnavailable": "25%", "maxSurge": "25%"})
    template = spec.setdefault("template", {})
    default_pod_spec(template.setdefault("spec", {}))
    return obj


def validate_deployment(
    deployment: Deployment, old: Deployment | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    return via("spec", _spec_errors(deployment, old))


def _spec_errors(deployment: Deployment, old: Deployment | None) -> Iterator[FieldError]:
    spec = deployment.spec
    yield from not_negative(
        (
            ("replicas", spec.replicas),
            ("minReadySeconds", spec.min_ready_seconds),
            ("revisionHistoryLimit", spec.revision_history_limit),
            ("progressDeadlineSeconds", spec.progress_deadline_seconds),
        )
    )
    deadline = spec.progress_deadline_seconds
    if deadline is not None and deadline <= (spec.min_ready_seconds or 0):
        yield invalid("progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    yield from selector_errors(spec, old.spec.selector if old else None, owner="deployment")
    yield from via("strategy", _strategy_errors(deployment))
    yield from template_errors(spec.template)


class Selecting(Protocol):
    """A spec that selects the pods of its own template."""

    @property
    def selector(self) -> LabelSelector: ...

    @property
    def template(self) -> PodTemplateSpec: ...

    @property
    def model_fields_set(self) -> set[str]: ...


def selector_errors(
    spec: Selecting, old: LabelSelector | None, *, owner: str
) -> Iterator[FieldError]:
    """The selector must choose the template's own pods, and stay. `owner` is the kind as Kubernetes' texts write it."""
    selector, given = spec.selector, "selector" in spec.model_fields_set
    shown = selector.model_dump(by_alias=True)
    labels = spec.template.metadata.get("labels") or {}
    try:
        parsed = selectors.from_object(shown)
    except ValueError as error:
        yield invalid("selector.matchExpressions", shown["matchExpressions"], str(error))
        return
    if not given:
        yield required("selector")
    elif not parsed.terms:
        yield invalid("selector", shown, f"empty selector is invalid for {owner}")
    if not given or not parsed.matches(labels):
        yield invalid(
            "template.metadata.labels", labels, "`selector` does not match template `labels`"
        )
    if old is not None and old != selector:
        yield invalid("selector", shown, "field is immutable")


def not_negative(values: Iterable[tuple[str, int | None]]) -> Iterator[FieldError]:
    for path, value in values:
        if (value or 0) < 0:
            yield invalid(path, value, "must be greater than or equal to 0")


def template_errors(
    template: PodTemplateSpec, *, policies: Sequence[str] = ("Always",)
) -> Iterator[FieldError]:
    """A pod template, whose pods may be restarted by `policies` only."""
    yield from via("template.spec", validate_pod_spec(template.spec))
    if template.spec.restart_policy not in ("", *policies):
        yield not_supported("template.spec.restartPolicy", template.spec.restart_policy, policies)


def _strategy_errors(deployment: Deployment) -> Iterator[FieldError]:
    strategy = deployment.spec.strategy
    match strategy.type:
        case "RollingUpdate":
            yield from via("rollingUpdate", _rolling_errors(strategy.rolling_update))
        case "Recreate":
            if strategy.rolling_update is not None:
                yield forbidden(
                    "rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
                )
        case other:
            rolling = "nil" if strategy.rolling_update is None else "0x0"
            shown = (
                f'apps.DeploymentStrategy{{Type:"{other}", '
                f"RollingUpdate:(*apps.RollingUpdateDeployment)({rolling})}}"
            )
            yield one_of("", GoValue(shown), [RECREATE, ROLLING])


def _rolling_errors(rolling: RollingUpdate | None) -> Iterator[FieldError]:
    if rolling is None:
        return
    yield from amount_errors("maxUnavailable", rolling.max_unavailable)
    yield from amount_errors("maxSurge", rolling.max_surge)
    if is_nothing(rolling.max_unavailable) and is_nothing(rolling.max_surge):
        shown = int_or_string(rolling.max_unavailable or 0)
        yield invalid("maxUnavailable", shown, "may not be 0 when `maxSurge` is 0")


def validate_lease(lease: Lease, old: Lease | None, admission: Admission) -> list[FieldError]:
    spec = lease.spec
    errors: list[FieldError] = []
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        detail = "must be greater than 0"
        errors.append(invalid("leaseDurationSeconds", spec.lease_duration_seconds, detail))
    errors += not_negative((("leaseTransitions", spec.lease_transitions),))
    return via("spec", errors)


def _ready(obj: Obj, now: datetime) -> str:
    ready = (obj.get("status") or {}).get("readyReplicas") or 0
    return f"{ready}/{(obj.get('spec') or {}).get('replicas') or 0}"


DEPLOYMENT_COLUMNS: Final = (
    Column("Ready", cell=_ready),
    Column("Up-to-date", cell=status_count("updatedReplicas")),
    Column("Available", cell=status_count("availableReplicas")),
    AGE,
    *TEMPLATE_COLUMNS,
)
