"""What a delete request makes of an object: a mark, more finalizers, or nothing left. Pure.

Source: k8s.io/apiserver registry/generic/registry/store.go (deletionFinalizersForGarbageCollection, BeforeDelete) and the pod
strategy's CheckGracefulDelete. Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, rfc3339
from tanebi.apiserver.definitions.types import CLEANUP, CRD
from tanebi.apiserver.metadata import FOREGROUND, ORPHAN
from tanebi.apiserver.options import DeleteOptions

POD_GRACE_S: Final = 30


def begin(kind: AnyKind, obj: Obj, options: DeleteOptions, *, now: datetime) -> Obj | None:
    """The object marked as being deleted, or None when it can go at once."""
    meta = dict(obj["metadata"])
    finalizers = _finalizers(meta.get("finalizers") or [], options)
    if kind is CRD and CLEANUP not in finalizers and not meta.get("deletionTimestamp"):
        finalizers = [*finalizers, CLEANUP]
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)
    grace = _grace(kind, obj, options)
    waits = bool(finalizers) or _namespace_has_content(kind, obj)
    if not waits and grace == 0:
        return None
    _mark(kind, meta, grace, now)
    marked = obj | {"metadata": meta}
    if kind.kind == "Namespace" and kind.builtin:
        marked["status"] = (obj.get("status") or {}) | {"phase": "Terminating"}
    return marked


def _mark(kind: AnyKind, meta: dict[str, Any], grace: int, now: datetime) -> None:
    """Set the deadline. A second request may shorten the time that is left, never lengthen it."""
    if meta.get("deletionTimestamp"):
        if grace >= int(meta.get("deletionGracePeriodSeconds") or 0):
            return
    elif kind.has_generation and "generation" in meta:
        meta["generation"] += 1
    meta["deletionTimestamp"] = rfc3339(now + timedelta(seconds=grace))
    if not (kind.builtin and kind.kind == "Namespace"):
        meta["deletionGracePeriodSeconds"] = grace


def _finalizers(present: list[str], options: DeleteOptions) -> list[str]:
    kept = [f for f in present if f not in (FOREGROUND, ORPHAN)]
    match options.propagation:
        case "Foreground":
            return [*kept, FOREGROUND]
        case "Orphan":
            return [*kept, ORPHAN]
        case "Background":
            return kept
        case None:
            return list(present)


def _grace(kind: AnyKind, obj: Obj, options: DeleteOptions) -> int:
    """Seconds that a pod's processes get to end; 0 for anything else, and for pods that have none running."""
    if kind.kind != "Pod" or not kind.builtin:
        return 0
    spec, seen = obj.get("spec") or {}, obj.get("status") or {}
    taken = spec.get("nodeName") or seen.get("startTime") or seen.get("containerStatuses")
    if not taken or seen.get("phase") in ("Succeeded", "Failed"):
        return 0
    if options.grace_s is not None:
        return options.grace_s
    own = spec.get("terminationGracePeriodSeconds")
    return POD_GRACE_S if own is None else int(own)


def _namespace_has_content(kind: AnyKind, obj: Obj) -> bool:
    """A namespace carries its finalizer in the spec; the namespace controller takes it away when nothing is left."""
    is_namespace = kind.kind == "Namespace" and kind.builtin
    return is_namespace and bool((obj.get("spec") or {}).get("finalizers"))
