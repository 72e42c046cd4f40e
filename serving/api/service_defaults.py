"""Defaults of a Service: those of its template and its traffic, and who made it."""

from __future__ import annotations

from serving.api.configuration_defaults import complete_template
from serving.api.route_defaults import complete_traffic
from serving.api.user_info import set_user_info
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def set_service_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Completes `obj` in place and returns it."""
    if admission.subresource:
        return obj
    complete_template(obj, old, admission)
    spec = obj["spec"]
    if not spec.get("traffic"):
        spec["traffic"] = [{"latestRevision": True, "percent": 100}]
    complete_traffic(spec)
    set_user_info(obj, old, admission)
    return obj
