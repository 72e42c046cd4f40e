"""A configuration merged into an object, as server-side apply merges. Pure.

Maps are merged member by member, keyed lists and sets item by item; all else is taken from the configuration. Where items end up:
those of the configuration in its order, the others where they were among what both lists have.
Behaviour: sigs.k8s.io/structured-merge-diff typed/merge. Caller: tanebi.apiserver.patch.apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tanebi.apiserver.patch.fieldset import element, list_elements
from tanebi.apiserver.patch.schema import ListRule, Path, Schema


def merge_map(
    live: Mapping[str, Any], wanted: Mapping[str, Any], schema: Schema, at: Path
) -> dict[str, Any]:
    """Neither is changed."""
    result = dict(live)
    for name, value in wanted.items():
        result[name] = _merge(result.get(name), value, schema, (*at, name))
    return result


def _merge(live: Any, wanted: Any, schema: Schema, at: Path) -> Any:
    if isinstance(wanted, dict):
        if schema.is_atomic_map(at):
            return wanted
        return merge_map(live if isinstance(live, dict) else {}, wanted, schema, at)
    rule = schema.list_rule(at) if isinstance(wanted, list) else None
    if rule is None:
        return wanted
    return _merge_list(live if isinstance(live, list) else [], wanted, rule, schema, at)


def _merge_list(
    live: list[Any], wanted: list[Any], rule: ListRule, schema: Schema, at: Path
) -> list[Any]:
    theirs = list_elements(live, rule, at)
    if theirs is None:
        return wanted
    mine = {element(item, rule, at): item for item in wanted}
    return [
        _merge_item(theirs.get(key), mine[key], schema, at) if key in mine else theirs[key]
        for key in _places(list(theirs), list(mine))
    ]


def _places(theirs: list[str], mine: list[str]) -> list[str]:
    """The keys of both lists in the order of the merged one."""
    have, wanted = set(theirs), set(mine)
    shared = [key for key in mine if key in have]
    placed: list[str] = []
    at = 0
    for key in mine:
        while at < len(theirs) and theirs[at] != key:
            there = theirs[at]
            if there in wanted and shared[:1] == [there]:
                break  # its turn comes after this one
            at += 1
            if there not in wanted:
                placed.append(there)
            elif not shared:
                break
        placed.append(key)
        if shared[:1] == [key]:
            del shared[0]
        if theirs[at : at + 1] == [key]:
            at += 1
    return placed + [key for key in theirs[at:] if key not in wanted]


def _merge_item(theirs: Any, mine: Any, schema: Schema, at: Path) -> Any:
    if not isinstance(mine, dict) or schema.is_atomic_map(at):
        return mine
    return merge_map(theirs if isinstance(theirs, dict) else {}, mine, schema, at)
