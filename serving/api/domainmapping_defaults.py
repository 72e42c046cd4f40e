"""Defaults of a DomainMapping: the namespace of its reference, and who made it."""

from __future__ import annotations

from serving.api.user_info import set_user_info
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def set_domainmapping_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Completes `obj` in place and returns it."""
    if admission.subresource:
        return obj
    reference = obj.setdefault("spec", {}).setdefault("ref", {})
    if not reference.get("namespace"):
        reference["namespace"] = (obj.get("metadata") or {}).get("namespace") or ""
    set_user_info(obj, old, admission)
    return obj
