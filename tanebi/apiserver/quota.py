"""ResourceQuotas at admission: what would exceed one is refused, in Kubernetes' words.

Use is counted from what is stored, and from what was admitted and is still on its way to disk, so that writes side by side cannot
exceed a quota together. Namespaces without a quota cost one look-up. Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from decimal import Decimal

from tanebi.api import quantity
from tanebi.api.core.kinds_cluster import RESOURCE_QUOTA
from tanebi.api.core.quota_scopes import covers
from tanebi.api.core.usage import Amounts, shown, total, unspecified, usage
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import status
from tanebi.apiserver.store import Store
from tanebi.kube.errors import Forbidden


class Quotas:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: dict[tuple[str, Key], Obj] = {}  # admitted, and not stored yet

    def check(self, kind: AnyKind, key: Key, obj: Obj) -> None:
        """Admit one new object. Raises Forbidden."""
        if not key.namespace:
            return
        quotas = self._store.list(RESOURCE_QUOTA.resource, key.namespace)
        if not quotas:
            return
        wanted = usage(kind, obj)
        for entry in quotas:
            spec = entry.obj.get("spec") or {}
            if not covers(spec, kind, obj):
                continue
            hard = spec.get("hard") or {}
            limits = {n: quantity.parse(v) for n, v in hard.items()}
            if kind.builtin and kind.kind == "Pod" and (missing := unspecified(limits, obj)):
                named = ",".join(f"{n} for: {','.join(c)}" for n, c in sorted(missing.items()))
                raise _forbidden(
                    kind, key, f"failed quota: {_name(entry.obj)}: must specify {named}"
                )
            limited = sorted(name for name in limits if wanted.get(name))
            if not limited:
                continue
            used = self._used(kind, key.namespace, spec)
            over = [n for n in limited if used.get(n, Decimal(0)) + wanted[n] > limits[n]]
            if over:
                words = (
                    _words("requested", {n: wanted[n] for n in over}),
                    _words("used", {n: used.get(n, Decimal(0)) for n in over}),
                    _words("limited", {n: limits[n] for n in over}),
                )
                text = f"exceeded quota: {_name(entry.obj)}, {', '.join(words)}"
                raise _forbidden(kind, key, text)
        self._under_way[kind.resource, key] = obj

    def _used(self, kind: AnyKind, namespace: str, spec: Obj) -> Amounts:
        stored = [entry.obj for entry in self._store.list(kind.resource, namespace)]
        for (resource, key), obj in tuple(self._under_way.items()):
            if self._store.newest(resource, key) is None or self._store.get(resource, key):
                del self._under_way[resource, key]  # refused after all, or stored by now
            elif resource == kind.resource and key.namespace == namespace:
                stored.append(obj)
        return total(kind, [obj for obj in stored if covers(spec, kind, obj)])


def _name(quota: Obj) -> str:
    return str(quota["metadata"]["name"])


def _words(verb: str, amounts: Amounts) -> str:
    return f"{verb}: " + ",".join(f"{n}={shown(n, amount)}" for n, amount in amounts.items())


def _forbidden(kind: AnyKind, key: Key, why: str) -> Forbidden:
    return Forbidden(
        f'{kind.resource} "{key.name}" is forbidden: {why}', details=status.of_kind(kind, key.name)
    )
