"""Which objects a ResourceQuota with scopes is about. Pure.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core pods.go. Callers: tanebi.apiserver.quota, tanebi.kubelet.quotas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tanebi.api.core.pod_defaults import qos_class
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj

_AFFINITIES: Final = ("podAffinity", "podAntiAffinity")


def covers(quota: Obj, kind: AnyKind, obj: Obj) -> bool:
    """Does the `spec` of a quota count this object? One with scopes counts pods alone."""
    wanted = list(_scopes(quota))
    if not wanted:
        return True
    if not (kind.builtin and kind.kind == "Pod"):
        return False
    return all(_within(one, obj.get("spec") or {}) for one in wanted)


def _scopes(quota: Obj) -> Iterator[Obj]:
    for name in quota.get("scopes") or ():
        yield {"scopeName": name, "operator": "Exists"}
    yield from (quota.get("scopeSelector") or {}).get("matchExpressions") or ()


def _within(wanted: Obj, spec: Obj) -> bool:
    match wanted.get("scopeName"):
        case "Terminating":
            found = spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            found = spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            found = qos_class(spec) == "BestEffort"
        case "NotBestEffort":
            found = qos_class(spec) != "BestEffort"
        case "PriorityClass":
            return _chosen(wanted, str(spec.get("priorityClassName") or ""))
        case "CrossNamespacePodAffinity":
            found = any(map(_crosses, _terms(spec.get("affinity") or {})))
        case _:
            return False
    return found if wanted.get("operator", "Exists") == "Exists" else not found


def _chosen(wanted: Obj, name: str) -> bool:
    values = wanted.get("values") or ()
    match wanted.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
    return bool(name)


def _terms(affinity: Obj) -> Iterator[Obj]:
    for name in _AFFINITIES:
        side: Any = affinity.get(name) or {}
        yield from side.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in side.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or {}


def _crosses(term: Obj) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None
