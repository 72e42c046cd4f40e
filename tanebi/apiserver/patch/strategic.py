"""Strategic merge patch: a merge patch that knows keyed lists.

Pure. Directives: `$patch: replace|merge|delete` in objects and list items, `$retainKeys`, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`. Behaviour: k8s.io/apimachinery util/strategicpatch. CRD kinds have no such patch (415).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import orjson

from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import ListRule, Path, Schema

DIRECTIVE: Final = "$patch"
RETAIN_KEYS: Final = "$retainKeys"
ORDER: Final = "$setElementOrder/"
DELETE_FROM: Final = "$deleteFromPrimitiveList/"


def apply(target: Any, patch: Any, schema: Schema) -> Any:
    """`target` changed by `patch`; neither is changed itself. Raises BadPatch."""
    if not isinstance(patch, dict):
        raise BadPatch("a strategic merge patch is an object")
    return _merge_map(target if isinstance(target, dict) else {}, patch, schema, ())


def _merge_map(target: dict[str, Any], patch: dict[str, Any], schema: Schema, at: Path) -> Any:
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        return _clean({k: v for k, v in patch.items() if k != DIRECTIVE})
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise BadPatch(f"unknown patch type: {directive} in map: {_go(patch)}", code=500)
    result = _retained(target, patch, at)
    for name, values in _directed(patch, DELETE_FROM):
        if isinstance(result.get(name), list):
            gone = {_identity(v) for v in _list(values, (*at, name))}
            result[name] = [v for v in result[name] if _identity(v) not in gone]
    for name, value in patch.items():
        if not name.startswith("$"):
            _merge_member(result, name, value, patch, schema, at)
    for name, order in _directed(patch, ORDER):
        if name not in patch and isinstance(result.get(name), list):
            result[name] = _merge_list(result[name], [], order, schema, (*at, name))
    return result


def _merge_member(
    result: dict[str, Any],
    name: str,
    value: Any,
    patch: dict[str, Any],
    schema: Schema,
    at: Path,
) -> None:
    here = (*at, name)
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        old = result.get(name)
        result[name] = _merge_map(old if isinstance(old, dict) else {}, value, schema, here)
    elif isinstance(value, list):
        old = result.get(name)
        order = patch.get(f"{ORDER}{name}")
        result[name] = _merge_list(old if isinstance(old, list) else [], value, order, schema, here)
    else:
        result[name] = value


def _merge_list(old: list[Any], patch: list[Any], order: Any, schema: Schema, at: Path) -> Any:
    rule = schema.list_rule(at)
    if rule is None:
        return _clean(patch)
    if not rule.merge_key:
        merged = old + [v for v in _distinct(patch) if v not in old]
        identify: Callable[[Any], Hashable] = _identity
        named = [_identity(v) for v in patch]
    else:
        merged = _merge_items(old, patch, rule, schema, at)
        identify = _keyed(rule, at)
        named = [
            identify(item) for item in patch if DIRECTIVE not in item or rule.merge_key in item
        ]
    # Without an order of its own the patch's items come in the order they have in it.
    wanted = named if order is None else [identify(item) for item in _list(order, at)]
    return _ordered(merged, wanted, named, [identify(item) for item in old], identify, at)


def _merge_items(
    old: list[Any], patch: list[Any], rule: ListRule, schema: Schema, at: Path
) -> list[Any]:
    if any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" for item in patch):
        kept = [
            item for item in patch if isinstance(item, dict) and len(item) > (DIRECTIVE in item)
        ]
        return [_clean({k: v for k, v in item.items() if k != DIRECTIVE}) for item in kept]
    identify = _keyed(rule, at)
    result = list(old)
    for item in patch:
        wanted = identify(item)
        place = next((i for i, found in enumerate(result) if identify(found) == wanted), None)
        if item.get(DIRECTIVE) == "delete":
            result = [found for found in result if identify(found) != wanted]
        elif place is None:
            result.append(_merge_map({}, item, schema, at))
        else:
            result[place] = _merge_map(result[place], item, schema, at)
    return result


def _ordered(
    merged: list[Any],
    order: list[Hashable],
    named: list[Hashable],
    before: list[Hashable],
    identify: Callable[[Any], Hashable],
    at: Path,
) -> list[Any]:
    """Items that `order` names come in its order; the others keep their place among them as it was before."""
    if any(wanted not in order for wanted in named if wanted in map(identify, merged)):
        raise BadPatch(
            f"{_show(at)}: the order in the patch does not match {ORDER}{at[-1]}", code=500
        )
    by_id = {identify(item): item for item in merged}
    right = [by_id[wanted] for wanted in dict.fromkeys(order) if wanted in by_id]
    left = [item for item in merged if identify(item) not in order]
    place = {wanted: i for i, wanted in enumerate(before)}
    result = []
    while left and right:
        mine, theirs = place.get(identify(left[0])), place.get(identify(right[0]))
        first = mine is not None and theirs is not None and mine < theirs
        result.append((left if first else right).pop(0))
    return [*result, *left, *right]


def _retained(target: dict[str, Any], patch: dict[str, Any], at: Path) -> dict[str, Any]:
    if RETAIN_KEYS not in patch:
        return dict(target)
    kept = _list(patch[RETAIN_KEYS], at)
    extra = [
        k for k, v in patch.items() if not k.startswith("$") and v is not None and k not in kept
    ]
    if extra:
        raise BadPatch(
            f"invalid patch format of retainKeys: {_show(at)}.{extra[0]} is set and not among them"
        )
    return {k: v for k, v in target.items() if k in kept}


def _directed(patch: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    return [(name[len(prefix) :], v) for name, v in patch.items() if name.startswith(prefix)]


def _keyed(rule: ListRule, at: Path) -> Callable[[Any], Hashable]:
    def identify(item: Any) -> Hashable:
        if not isinstance(item, dict) or rule.merge_key not in item:
            raise BadPatch(
                f"map: {_go(item)} does not contain declared merge key: {rule.merge_key}", code=500
            )
        return _identity(item[rule.merge_key])

    return identify


def _go(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{k}:{_go(v)}' for k, v in sorted(value.items()))}]"
    return f"[{' '.join(map(_go, value))}]" if isinstance(value, list) else str(value)


def _identity(value: Any) -> Hashable:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _distinct(values: list[Any]) -> list[Any]:
    return list({_identity(value): value for value in values}.values())


def _clean(value: Any) -> Any:
    """A patch value taken as it is: without directives and without null members."""
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items() if v is not None and not k.startswith("$")}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _list(value: Any, at: Path) -> list[Any]:
    if not isinstance(value, list):
        raise BadPatch(f"{_show(at)}: expected a list, got {value!r}")
    return value


def _show(at: Path) -> str:
    return ".".join(at) or "patch"
