"""Defaults of a Route: the sense of each target, and who made it."""

from __future__ import annotations

from serving.api.user_info import set_user_info
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def set_route_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Completes `obj` in place and returns it."""
    if admission.subresource:
        return obj
    complete_traffic(obj.setdefault("spec", {}))
    if not (obj.get("metadata") or {}).get("ownerReferences"):
        set_user_info(obj, old, admission)
    return obj


def complete_traffic(spec: Obj) -> None:
    """A target without a revision's name follows the latest one. Changes `spec`."""
    for target in spec.get("traffic") or ():
        if target.get("latestRevision") is None:
            target["latestRevision"] = not target.get("revisionName")
