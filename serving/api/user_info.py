"""Who made an object and who changed it last: two annotations that the platform writes and nobody may forge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.api.names import CREATOR, LAST_MODIFIER
from tanebi.api.fielderrors import FieldError, invalid
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def set_user_info(obj: Obj, old: Obj | None, admission: Admission) -> None:
    """Write both annotations at creation, and the modifier when the spec changed. Changes `obj`."""
    if not admission.user:
        return
    annotations = obj.setdefault("metadata", {}).setdefault("annotations", {})
    if old is None:
        annotations[CREATOR] = admission.user
        annotations[LAST_MODIFIER] = admission.user
    elif old.get("spec") != obj.get("spec"):
        annotations[LAST_MODIFIER] = admission.user


def validate_user_info(
    old_spec: Any, new_spec: Any, *, before: Mapping[str, str], after: Mapping[str, str]
) -> list[FieldError]:
    """The creator never changes; the modifier changes with the spec only. Paths are annotation keys."""
    errors = []
    if after.get(CREATOR, "") != before.get(CREATOR, ""):
        errors.append(FieldError("annotation value is immutable", (CREATOR,)))
    if old_spec == new_spec and after.get(LAST_MODIFIER, "") != before.get(LAST_MODIFIER, ""):
        errors.append(invalid(after.get(LAST_MODIFIER, ""), LAST_MODIFIER))
    return errors
