"""Defaults of a Configuration: those of its template, and who made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.api.revision_defaults import complete_spec
from serving.api.user_info import set_user_info
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def set_configuration_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Completes `obj` in place and returns it."""
    if admission.subresource:
        return obj
    complete_template(obj, old, admission)
    if not (obj.get("metadata") or {}).get("ownerReferences"):
        set_user_info(obj, old, admission)
    return obj


def complete_template(obj: Obj, old: Obj | None, admission: Admission) -> None:
    """Fill in `spec.template`; on an update only if the template changed, and not if it keeps the name that the author chose.

    The revision of that template exists and cannot change: new defaults must not make it look different, and a label on the
    object must not make another one.
    """
    template = obj.setdefault("spec", {}).setdefault("template", {})
    name = (template.get("metadata") or {}).get("name")
    if old is not None and (template == _template(old) or (name and name == _template_name(old))):
        return
    complete_spec(template.setdefault("spec", {}), obj.get("metadata") or {}, admission)


def _template(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (obj.get("spec") or {}).get("template") or {}
    return found


def _template_name(obj: Mapping[str, Any]) -> str:
    return (_template(obj).get("metadata") or {}).get("name") or ""
