"""What objects count for in a ResourceQuota. Pure.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core. Callers: tanebi.apiserver.quota, tanebi.kubelet.quotas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj

Amounts = dict[str, Decimal]

# Kinds that a quota counts by their plural alone; any other is `count/<plural>.<group>`.
PLAIN: Final = frozenset(
    (
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    )
)
COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
_OF_CLASS: Final = "storageclass.storage.k8s.io"
_BINARY: Final = ("Ki", "Mi", "Gi", "Ti")


def usage(kind: AnyKind, obj: Obj) -> Amounts:
    """Everything that a quota may limit of one object."""
    found: Amounts = {f"count/{kind.resource}": Decimal(1)}
    if kind.builtin and kind.group == "":
        if kind.kind == "Pod" and _is_done(obj):
            return found
        if kind.plural in PLAIN:
            found[kind.plural] = Decimal(1)
        if kind.kind == "Pod":
            found |= _of_pod(obj)
        elif kind.kind == "Service":
            found |= _of_service(obj)
        elif kind.kind == "PersistentVolumeClaim":
            asked = ((obj.get("spec") or {}).get("resources") or {}).get("requests") or {}
            stored = _amount(asked.get("storage", 0))
            found["requests.storage"] = stored
            if class_ := (obj.get("spec") or {}).get("storageClassName"):
                found[f"{class_}.{_OF_CLASS}/persistentvolumeclaims"] = Decimal(1)
                found[f"{class_}.{_OF_CLASS}/requests.storage"] = stored
    return found


def total(kind: AnyKind, objects: Iterable[Obj]) -> Amounts:
    found: Amounts = {}
    for obj in objects:
        for name, amount in usage(kind, obj).items():
            found[name] = found.get(name, Decimal(0)) + amount
    return found


def shown(name: str, amount: Decimal) -> str:
    """A count or an amount as Kubernetes writes it."""
    if "cpu" in name and amount != amount.to_integral_value():
        return f"{(amount * 1000).to_integral_value()}m"
    if "memory" in name or "storage" in name:
        for i, suffix in reversed(tuple(enumerate(_BINARY, 1))):
            size = Decimal(1024) ** i
            if amount and amount % size == 0:
                return f"{amount / size:f}{suffix}"
    return f"{amount:f}"


def unspecified(names: Iterable[str], obj: Obj) -> dict[str, list[str]]:
    """Of the limited resources, those that some containers of a pod do not state, with the containers."""
    missing: dict[str, list[str]] = {}
    for name in names:
        side, _, resource = name.partition(".")
        if side in COMPUTE:
            side, resource = "requests", name
        if resource not in COMPUTE or side not in ("requests", "limits"):
            continue
        for container in (obj.get("spec") or {}).get("containers") or ():
            if resource not in ((container.get("resources") or {}).get(side) or {}):
                missing.setdefault(name, []).append(str(container.get("name")))
    return missing


def _of_pod(obj: Obj) -> Amounts:
    found: Amounts = {}
    spec = obj.get("spec") or {}
    for side in ("requests", "limits"):
        sums: Amounts = {}
        for container in spec.get("containers") or ():
            for name, amount in ((container.get("resources") or {}).get(side) or {}).items():
                sums[name] = sums.get(name, Decimal(0)) + _amount(amount)
        for container in spec.get("initContainers") or ():
            for name, amount in ((container.get("resources") or {}).get(side) or {}).items():
                sums[name] = max(sums.get(name, Decimal(0)), _amount(amount))
        for name, amount in sums.items():
            found[f"{side}.{name}"] = amount
            if side == "requests":
                found[name] = amount
    return found


def _of_service(obj: Obj) -> Amounts:
    spec = obj.get("spec") or {}
    ports = Decimal(len(spec.get("ports") or ()))
    match spec.get("type"):
        case "NodePort":
            return {"services.nodeports": ports}
        case "LoadBalancer":
            opened = ports if spec.get("allocateLoadBalancerNodePorts") is not False else Decimal(0)
            return {"services.nodeports": opened, "services.loadbalancers": Decimal(1)}
    return {}


def _is_done(obj: Mapping[str, Any]) -> bool:
    return (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _amount(value: Any) -> Decimal:
    try:
        return quantity.parse(value)
    except ValueError:  # validation will say so
        return Decimal(0)
