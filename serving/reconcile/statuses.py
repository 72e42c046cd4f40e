"""Beginning and ending a status: what every reconciler here does the same way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import KStatus, Model, Obj, Resource


def begin(
    resource: Resource, status: KStatus, living: ConditionSet, *, now: datetime
) -> Conditions:
    """The conditions as they stand; a new generation makes the happy one Unknown until it is judged again."""
    conditions = living.manage(status.conditions, now=now)
    if status.observed_generation not in (0, resource.metadata.generation):
        conditions.reset_for_generation()
    return conditions


def finish(resource: Resource, conditions: Conditions, fields: Mapping[str, Any]) -> Obj:
    """A whole status. Empty fields are left out."""
    status: Obj = {
        "observedGeneration": resource.metadata.generation,
        "conditions": conditions.dump(),
    }
    return {**status, **{k: v for k, v in fields.items() if v not in (None, "", [], {})}}


def as_json(model: Model) -> Obj:
    """The JSON that a view was made from: unset members stay away, unknown ones stay."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def is_controlled_by(child: Resource, owner: Resource) -> bool:
    controller = child.metadata.controller
    return controller is not None and controller.uid == owner.metadata.uid
