"""Deployment: defaults, validation and columns (k8s.io/kubernetes pkg/apis/apps), and what other
kinds with pod templates share with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from tanebi.api import selectors
from tanebi.api.core.cells import TEMPLATE_COLUMNS, status_count
from tanebi.api.core.pod import IntOrString, PodTemplateSpec
from tanebi.api.core.pod_columns import AGE
from tanebi.api.core.pod_defaults import default_pod_spec, fill
from tanebi.api.core.pod_validation import validate_pod_spec
from tanebi.api.core.refusals import forbidden, invalid, not_supported, required
from tanebi.api.core.workload import Deployment, LabelSelector, RollingUpdate
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

ROLLING: Final = "RollingUpdate"
RECREATE: Final = "Recreate"

_PERCENT: Final = re.compile(r"\d+%")


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
    if (spec.progress_deadline_seconds or 600) <= (spec.min_ready_seconds or 0):
        yield invalid(
            "progressDeadlineSeconds",
            spec.progress_deadline_seconds,
            "must be greater than minReadySeconds",
        )
    yield from selector_errors(
        spec.selector, spec.template, old.spec.selector if old else None, owner="deployment"
    )
    yield from via("strategy", _strategy_errors(deployment))
    yield from template_errors(spec.template)


def selector_errors(
    selector: LabelSelector,
    template: PodTemplateSpec,
    old: LabelSelector | None,
    *,
    owner: str,
) -> Iterator[FieldError]:
    """The selector must choose the template's own pods, and stay. `owner` is the kind as Kubernetes' texts write it."""
    shown = selector.model_dump(by_alias=True)
    labels = template.metadata.get("labels") or {}
    try:
        parsed = selectors.from_object(shown)
    except ValueError as error:
        yield invalid("selector.matchExpressions", shown["matchExpressions"], str(error))
        return
    if not parsed.terms:
        yield required("selector")
        yield invalid("selector", {}, f"empty selector is invalid for {owner}")
    elif not parsed.matches(labels):
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
            yield not_supported("type", other, [RECREATE, ROLLING])


def _rolling_errors(rolling: RollingUpdate | None) -> Iterator[FieldError]:
    if rolling is None:
        return
    values = (("maxUnavailable", rolling.max_unavailable), ("maxSurge", rolling.max_surge))
    for path, value in values:
        if isinstance(value, str) and not _PERCENT.fullmatch(value):
            detail = "a valid percent string must be a numeric string followed by an ending '%'"
            yield invalid(path, value, detail)
        elif isinstance(value, int) and value < 0:
            yield invalid(path, value, "must be greater than or equal to 0")
    if all(_is_zero(value) for _, value in values):
        yield invalid("maxUnavailable", 0, "may not be 0 when `maxSurge` is 0")


def _is_zero(value: IntOrString | None) -> bool:
    return value in (0, "0%")


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
