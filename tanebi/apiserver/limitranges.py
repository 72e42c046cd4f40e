"""LimitRanges at admission: what containers of new pods get when they do not say, and what they may not say.

Source: k8s.io/kubernetes plugin/pkg/admission/limitranger. Types Container and Pod; a range of another type is stored only.
Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tanebi.api import quantity
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import LIMIT_RANGE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import status
from tanebi.apiserver.store import Store
from tanebi.kube.errors import Forbidden


class LimitRanges:
    def __init__(self, store: Store) -> None:
        self._store = store

    def apply(self, kind: AnyKind, key: Key, obj: Obj) -> None:
        """Complete a new pod in place. Raises Forbidden with every bound that it breaks."""
        if kind is not POD:
            return
        broken: list[str] = []
        for item in self._items(key.namespace):
            if item.get("type") == "Container":
                for container in _containers(obj):
                    _complete(container, item)
                    broken += _outside(container.get("resources") or {}, item, "Container")
            elif item.get("type") == "Pod":
                broken += _outside(_sums(obj), item, "Pod")
        if broken:
            why = broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]"
            raise Forbidden(
                f'pods "{key.name}" is forbidden: {why}', details=status.of_kind(kind, key.name)
            )

    def _items(self, namespace: str) -> Iterator[Obj]:
        for entry in self._store.list(LIMIT_RANGE.resource, namespace):
            yield from (entry.obj.get("spec") or {}).get("limits") or ()


def _containers(pod: Obj) -> list[Obj]:
    spec = pod.get("spec") or {}
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _complete(container: Obj, item: Obj) -> None:
    resources = container.setdefault("resources", {})
    stated = dict(resources.get("limits") or {})
    for side, field in (("limits", "default"), ("requests", "defaultRequest")):
        for name, amount in (item.get(field) or {}).items():
            if name in (resources.get(side) or {}):
                continue
            # A limit that the container states is its request, too, before any default is.
            fallback = stated.get(name, amount) if side == "requests" else amount
            resources.setdefault(side, {})[name] = fallback


def _outside(resources: Obj, item: Obj, what: str) -> Iterator[str]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, bound in (item.get("min") or {}).items():
        if name not in requests:
            yield f"minimum {name} usage per {what} is {bound}.  No request is specified"
        elif _amount(requests[name]) < _amount(bound):
            yield f"minimum {name} usage per {what} is {bound}, but request is {requests[name]}"
    for name, bound in (item.get("max") or {}).items():
        if name not in limits:
            yield f"maximum {name} usage per {what} is {bound}.  No limit is specified"
        elif _amount(limits[name]) > _amount(bound):
            yield f"maximum {name} usage per {what} is {bound}, but limit is {limits[name]}"


def _sums(pod: Obj) -> Obj:
    found: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    for container in (pod.get("spec") or {}).get("containers") or ():
        for side, total in found.items():
            for name, amount in ((container.get("resources") or {}).get(side) or {}).items():
                total[name] = f"{_amount(total.get(name, 0)) + _amount(amount):f}"
    return found


def _amount(value: Any) -> Decimal:
    try:
        return quantity.parse(value)
    except ValueError:  # validation will say so
        return Decimal(0)
