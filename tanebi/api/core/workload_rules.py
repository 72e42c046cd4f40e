"""Deployment: defaults, validation and columns (k8s.io/kubernetes pkg/apis/apps)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from tanebi.api import selectors
from tanebi.api.core.pod import IntOrString
from tanebi.api.core.pod_columns import AGE
from tanebi.api.core.pod_defaults import default_pod_spec, fill
from tanebi.api.core.pod_validation import validate_pod_spec
from tanebi.api.core.refusals import forbidden, invalid, not_supported, required
from tanebi.api.core.workload import Deployment, RollingUpdate
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
    for path, value in (
        ("replicas", spec.replicas),
        ("minReadySeconds", spec.min_ready_seconds),
        ("revisionHistoryLimit", spec.revision_history_limit),
        ("progressDeadlineSeconds", spec.progress_deadline_seconds),
    ):
        if (value or 0) < 0:
            yield invalid(path, value, "must be greater than or equal to 0")
    if (spec.progress_deadline_seconds or 600) <= (spec.min_ready_seconds or 0):
        yield invalid(
            "progressDeadlineSeconds",
            spec.progress_deadline_seconds,
            "must be greater than minReadySeconds",
        )
    yield from _selector_errors(deployment, old)
    yield from via("strategy", _strategy_errors(deployment))
    yield from via("template.spec", validate_pod_spec(spec.template.spec))
    if spec.template.spec.restart_policy not in ("", "Always"):
        yield not_supported(
            "template.spec.restartPolicy", spec.template.spec.restart_policy, ["Always"]
        )


def _selector_errors(deployment: Deployment, old: Deployment | None) -> Iterator[FieldError]:
    spec = deployment.spec
    selector = spec.selector.model_dump(by_alias=True)
    labels = spec.template.metadata.get("labels") or {}
    try:
        parsed = selectors.from_object(selector)
    except ValueError as error:
        yield invalid("selector.matchExpressions", selector["matchExpressions"], str(error))
        return
    if not parsed.terms:
        yield required("selector")
        yield invalid("selector", {}, "empty selector is invalid for deployment")
    elif not parsed.matches(labels):
        yield invalid(
            "template.metadata.labels", labels, "`selector` does not match template `labels`"
        )
    if old is not None and old.spec.selector != spec.selector:
        yield invalid("selector", selector, "field is immutable")


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


def _containers(obj: Obj) -> list[Any]:
    template = (obj.get("spec") or {}).get("template") or {}
    return (template.get("spec") or {}).get("containers") or []


def _count(field: str) -> Any:
    return lambda obj, now: (obj.get("status") or {}).get(field) or 0


def _selector(obj: Obj, now: datetime) -> str:
    return str(selectors.from_object((obj.get("spec") or {}).get("selector") or {}))


DEPLOYMENT_COLUMNS: Final = (
    Column("Ready", cell=_ready),
    Column("Up-to-date", type="integer", cell=_count("updatedReplicas")),
    Column("Available", type="integer", cell=_count("availableReplicas")),
    AGE,
    Column(
        "Containers",
        priority=1,
        cell=lambda obj, now: ",".join(c.get("name", "") for c in _containers(obj)),
    ),
    Column(
        "Images",
        priority=1,
        cell=lambda obj, now: ",".join(c.get("image", "") for c in _containers(obj)),
    ),
    Column("Selector", priority=1, cell=_selector),
)
