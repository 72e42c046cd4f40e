"""How the fields of two objects differ.

Pure. The walk leaves out whatever is equal, so that a status write costs what the status costs, not what the object does:
this runs at every write of the API server. Values are compared as Python compares JSON (1 equals true, which types rule out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tanebi.api.meta import Obj
from tanebi.apiserver.patch.fieldset import (
    INNER,
    UNTRACKED,
    Field,
    list_elements,
    nodes_below,
)
from tanebi.apiserver.patch.schema import Path, Schema

_EMPTY: Final[tuple[Any, ...]] = ({}, [])


@dataclass(slots=True)
class Difference:
    """Maps and lists that come or go are among the fields, beside what is in them. `empty` are those of `added` that are an empty
    map or list: they appear when the last member goes."""

    added: set[Field] = field(default_factory=set)
    changed: set[Field] = field(default_factory=set)
    removed: set[Field] = field(default_factory=set)
    empty: set[Field] = field(default_factory=set)

    @property
    def written(self) -> set[Field]:
        return self.added | self.changed

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def differ(old: Obj, new: Obj, schema: Schema) -> Difference:
    """From `old` to `new`, without what is nobody's (names, versions, times of the server)."""
    found = Difference()
    for name in old.keys() | new.keys():
        at = (f"f:{name}",)
        if at in UNTRACKED:
            continue
        before, after = old.get(name), new.get(name)
        if name == "metadata":
            before, after = _tracked(before), _tracked(after)
        _differ(before, after, schema, (name,), at, found)
    return found


def _tracked(meta: Any) -> Any:
    """Every object has metadata, be it empty: they are nobody's as such."""
    if not isinstance(meta, dict):
        return meta or {}
    return {k: v for k, v in meta.items() if ("f:metadata", f"f:{k}") not in UNTRACKED}


def _differ(old: Any, new: Any, schema: Schema, at: Path, where: Field, found: Difference) -> None:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and old and new:
        if not schema.is_atomic_map(at):
            _differ_members(old, new, schema, at, where, found)
            return
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        rule = schema.list_rule(at)
        before = list_elements(old, rule, at) if rule is not None else None
        after = list_elements(new, rule, at) if rule is not None else None
        if before is not None and after is not None:
            _differ_items(before, after, schema, at, where, found)
            return
    _differ_whole(old, new, schema, at, where, found)


def _differ_members(
    old: Obj, new: Obj, schema: Schema, at: Path, where: Field, found: Difference
) -> None:
    for name in old.keys() | new.keys():
        _differ(old.get(name), new.get(name), schema, (*at, name), (*where, f"f:{name}"), found)


def _differ_items(
    old: Obj, new: Obj, schema: Schema, at: Path, where: Field, found: Difference
) -> None:
    """Items of keyed lists by their path element; their order is nobody's."""
    for element in old.keys() | new.keys():
        here = (*where, element)
        if element not in old:
            found.added.add(here)
        elif element not in new:
            found.removed.add(here)
        before, after = old.get(element, {}), new.get(element, {})
        if schema.is_atomic_map(at):
            if before and after and before != after:
                found.changed.add(here)
        elif isinstance(before, dict) and isinstance(after, dict):
            _differ_members(before, after, schema, at, here, found)


def _differ_whole(
    old: Any, new: Any, schema: Schema, at: Path, where: Field, found: Difference
) -> None:
    """One of both is absent, or of another form, or a single value."""
    before = nodes_below(old, schema, at, where)
    after = nodes_below(new, schema, at, where)
    found.added |= after.keys() - before.keys()
    found.removed |= before.keys() - after.keys()
    found.changed |= {f for f in after.keys() & before.keys() if _changed(before[f], after[f])}
    found.empty |= {f for f in after.keys() - before.keys() if after[f] in _EMPTY}


def _changed(old: Any, new: Any) -> bool:
    """A map or list that is no more empty, or now is, has changed below itself only."""
    if old is INNER or new is INNER:
        return not (old is new or old in _EMPTY or new in _EMPTY)
    return bool(old != new)
