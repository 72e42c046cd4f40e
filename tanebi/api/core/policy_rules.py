"""ResourceQuota, LimitRange, PodDisruptionBudget, PriorityClass, HorizontalPodAutoscaler: defaults, rules, columns. Pure.

Source: k8s.io/kubernetes pkg/apis/{core,policy,scheduling,autoscaling}. Caller: tanebi.api.core.kinds_cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.core.cells import at, text_at
from tanebi.api.core.pod_columns import AGE
from tanebi.api.core.pod_defaults import fill, objects
from tanebi.api.core.policy import (
    HorizontalPodAutoscaler,
    LimitRange,
    LimitRangeItem,
    PodDisruptionBudget,
    PriorityClass,
    ResourceQuota,
)
from tanebi.api.core.refusals import GoValue, amount_errors, forbidden, invalid, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

NOT_AVAILABLE: Final = "N/A"
# What a quota counts one by one.
COUNTED: Final = (
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
)
# Of a LimitRange: the lower, the higher, where it is told, which of them is shown, and what they are called.
_ORDER: Final = (
    ("min", "max", "min", "min", ("min", "max")),
    ("min", "default_request", "defaultRequest", "default_request", ("min", "default request")),
    ("default_request", "max", "defaultRequest", "default_request", ("default request", "max")),
    (
        "default_request",
        "default",
        "defaultRequest",
        "default_request",
        ("default request", "default limit"),
    ),
    ("min", "default", "default", "min", ("min", "default")),
    ("default", "max", "default", "max", ("default", "max")),
)
SYSTEM_PREFIX: Final = "system-"
# Go shows where in its memory the members are, which says nothing to anybody.
_BUDGET_WITH_BOTH: Final = GoValue(
    "policy.PodDisruptionBudgetSpec{MinAvailable:(*intstr.IntOrString)(0x0), Selector:(*v1.LabelSelector)(0x0), "
    "MaxUnavailable:(*intstr.IntOrString)(0x0), "
    "UnhealthyPodEvictionPolicy:(*policy.UnhealthyPodEvictionPolicyType)(nil)}"
)


def validate_quota(
    found: ResourceQuota, old: ResourceQuota | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    hard = found.spec.hard
    return via("spec", [*_amounts("hard", hard), *_whole_errors(hard)])


def _whole_errors(hard: dict[str, Any]) -> Iterator[FieldError]:
    for name, amount in hard.items():
        if name in COUNTED and (value := _read(amount)) is not None and value * 1000 % 1000:
            yield invalid(f"hard[{name}]", _go_amount(amount, shown=False), "must be an integer")


def default_limit_range(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    for item in objects(obj.setdefault("spec", {}), "limits"):
        if item.get("type") != "Container":
            continue
        for target, sources in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
            for source in sources:
                for name, amount in (item.get(source) or {}).items():
                    item.setdefault(target, {}).setdefault(name, amount)
    return obj


def validate_limit_range(
    found: LimitRange, old: LimitRange | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, item in enumerate(found.spec.limits):
        path = f"limits[{i}]"
        if not item.type:
            errors.append(required(f"{path}.type"))
        for field in ("max", "min", "default", "default_request"):
            errors += _amounts(f"{path}.{field}", getattr(item, field))
        errors += via(path, _order_errors(item))
    return via("spec", errors)


def _order_errors(item: LimitRangeItem) -> Iterator[FieldError]:
    """What is lower must not be more: least, default request, default, most."""
    sides = {name: getattr(item, name) for name in ("min", "max", "default", "default_request")}
    for resource in sorted(set().union(*sides.values())):
        for lower, higher, where, shown, words in _ORDER:
            less, more = sides[lower].get(resource), sides[higher].get(resource)
            one, other = _read(less), _read(more)
            if one is not None and other is not None and one > other:
                value = _go_amount(less if shown == lower else more)
                one_shown, other_shown = words
                detail = f"{one_shown} value {less} is greater than {other_shown} value {more}"
                yield invalid(f"{where}[{resource}]", value, detail)


def _read(amount: Any) -> Decimal | None:
    try:
        return None if amount is None else quantity.parse(amount)
    except ValueError:
        return None  # told of elsewhere


def _go_amount(amount: Any, *, shown: bool = True) -> GoValue:
    """A quantity as Go holds it: digits, their power of ten, and its text where it has been asked for."""
    text = str(amount)
    binary = text.endswith("i")
    value = (_read(amount) or Decimal(0)).normalize()
    _, digits, exponent = value.as_tuple()
    scale = exponent if isinstance(exponent, int) else 0
    number = int("".join(map(str, digits))) * (-1 if value < 0 else 1)
    if scale > 0 and not text[-1:].isalpha():
        number, scale = number * 10**scale, 0
    family, told = ("BinarySI" if binary else "DecimalSI"), text if shown else ""
    return GoValue(
        f"resource.Quantity{{i:resource.int64Amount{{value:{number}, scale:{scale}}}, "
        f'd:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:"{told}", Format:"{family}"}}'
    )


def _amounts(path: str, amounts: dict[str, Any]) -> Iterator[FieldError]:
    for name, amount in amounts.items():
        try:
            if quantity.parse(amount) < 0:
                detail = "must be greater than or equal to 0"
                yield invalid(f"{path}[{name}]", str(amount), detail)
        except ValueError as error:
            yield invalid(f"{path}[{name}]", str(amount), str(error))


def validate_budget(
    found: PodDisruptionBudget, old: PodDisruptionBudget | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    spec = found.spec
    errors: list[FieldError] = []
    if spec.min_available is not None and spec.max_unavailable is not None:
        detail = "minAvailable and maxUnavailable cannot be both set"
        errors.append(invalid("", _BUDGET_WITH_BOTH, detail))
    errors += amount_errors("minAvailable", spec.min_available)
    errors += amount_errors("maxUnavailable", spec.max_unavailable)
    return via("spec", errors)


def default_priority_class(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    fill(obj, {"preemptionPolicy": "PreemptLowerPriority"})
    return obj


def validate_priority_class(
    found: PriorityClass, old: PriorityClass | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    if found.metadata.name.startswith(SYSTEM_PREFIX) and found.value < 2_000_000_000:
        detail = (
            f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only"
        )
        errors.append(forbidden("metadata.name", detail))
    if old is not None and old.value != found.value:
        errors.append(forbidden("value", "may not be changed in an update."))
    return errors


def default_autoscaler(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"minReplicas": 1})
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return obj


def validate_autoscaler(
    found: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | None, admission: Admission
) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _autoscaler_errors(found))


def _autoscaler_errors(found: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    spec = found.spec
    lowest = 1 if spec.min_replicas is None else spec.min_replicas
    if lowest < 1:
        yield invalid("minReplicas", lowest, "must be greater than or equal to 1")
    if spec.max_replicas < 1:
        yield invalid("maxReplicas", spec.max_replicas, "must be greater than 0")
    if spec.max_replicas < lowest:
        detail = "must be greater than or equal to `minReplicas`"
        yield invalid("maxReplicas", spec.max_replicas, detail)
    if not spec.scale_target_ref.kind:
        yield required("scaleTargetRef.kind")
    if not spec.scale_target_ref.name:
        yield required("scaleTargetRef.name")


def _used(prefix: str | None) -> Any:
    """`used/hard` of a quota: of requests and counts, or of limits."""

    def cell(obj: Obj, now: datetime) -> str:
        status = obj.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        return ", ".join(
            f"{name}: {used.get(name, '0')}/{amount}"
            for name, amount in sorted(hard.items())
            if name.startswith("limits.") == (prefix == "limits.")
        )

    return cell


def _targets(obj: Obj, now: datetime) -> str:
    shown = []
    for metric in (obj.get("spec") or {}).get("metrics") or ():
        source = metric.get("resource") or {}
        target = source.get("target") or {}
        if "averageUtilization" in target:
            shown.append(f"{source.get('name')}: <unknown>/{target['averageUtilization']}%")
        else:
            amount = target.get("averageValue") or target.get("value") or "<auto>"
            shown.append(f"<unknown>/{amount}")
    return ", ".join(shown) or "<none>"


def _reference(obj: Obj, now: datetime) -> str:
    ref = (obj.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{ref.get('kind')}/{ref.get('name')}"


QUOTA_COLUMNS: Final = (
    Column("Age", ".metadata.creationTimestamp", type="date"),
    Column("Request", cell=_used(None)),
    Column("Limit", cell=_used("limits.")),
)
LIMIT_RANGE_COLUMNS: Final = (
    Column("Created At", type="date", cell=at("metadata.creationTimestamp")),
)
BUDGET_COLUMNS: Final = (
    Column("Min Available", cell=text_at("spec.minAvailable", NOT_AVAILABLE)),
    Column("Max Unavailable", cell=text_at("spec.maxUnavailable", NOT_AVAILABLE)),
    Column("Allowed Disruptions", type="integer", cell=at("status.disruptionsAllowed", 0)),
    AGE,
)
PRIORITY_CLASS_COLUMNS: Final = (
    Column("Value", type="integer", cell=at("value", 0)),
    Column("Global-Default", type="boolean", cell=lambda obj, now: bool(obj.get("globalDefault"))),
    AGE,
    Column("PreemptionPolicy", ".preemptionPolicy"),
)
AUTOSCALER_COLUMNS: Final = (
    Column("Reference", cell=_reference),
    Column("Targets", cell=_targets),
    Column("MinPods", cell=text_at("spec.minReplicas", "<unset>")),
    Column("MaxPods", cell=at("spec.maxReplicas", 0)),
    Column("Replicas", cell=at("status.currentReplicas", 0)),
    AGE,
)
