"""Sets of fields: who owns what, in memory and as `fieldsV1`.

Pure. A field is a path of elements as fieldsV1 writes them: `f:name` a member, `k:{"name":"x"}` an item of a keyed list,
`v:"x"` a member of a set. A set holds the paths that are owned; an item of a keyed list is owned beside its members.
Format: sigs.k8s.io/structured-merge-diff fieldpath.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from tanebi.api.meta import Obj
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import ListRule, Path, Schema

Field = tuple[str, ...]
Fields = frozenset[Field]

ITEM: Final = object()  # the value of a list item as such
INNER: Final = object()  # of a map or list that has fields below it

# Who an object is, and what the server writes by itself, belongs to nobody.
UNTRACKED: Final = frozenset[Field](
    [("f:apiVersion",), ("f:kind",)]
    + [
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ]
)


def flatten(obj: Mapping[str, Any], schema: Schema) -> dict[Field, Any]:
    """Every field of an object with its value: scalars, single-valued lists and maps, empty ones, and list items; and entries of
    free maps, whatever they hold."""
    found: dict[Field, Any] = {}
    _flatten_map(obj, schema, (), (), found)
    found.pop(("f:metadata",), None)  # an empty one is as good as none
    return {f: v for f, v in found.items() if f[:1] not in UNTRACKED and f[:2] not in UNTRACKED}


def nodes_below(value: Any, schema: Schema, at: Path, where: Field) -> dict[Field, Any]:
    """The same for a part of an object, and with the maps and lists that hold the fields. Null is absent."""
    found: dict[Field, Any] = {}
    if value is not None:
        _flatten(value, schema, at, where, found, inner=True)
    return found


def _flatten(
    value: Any,
    schema: Schema,
    at: Path,
    where: Field,
    found: dict[Field, Any],
    *,
    inner: bool,
) -> None:
    if isinstance(value, dict) and value and not schema.is_atomic_map(at):
        if inner:
            found[where] = INNER
        _flatten_map(value, schema, at, where, found, inner=inner)
        return
    rule = schema.list_rule(at) if isinstance(value, list) and value else None
    elements = list_elements(value, rule, at) if rule is not None else None
    if elements is None:
        # An empty list that has items of their own is nothing that one could own.
        if inner or value != [] or schema.list_rule(at) is None:
            found[where] = value
        return
    if inner:
        found[where] = INNER
    whole = schema.is_atomic_map(at)
    for element, item in elements.items():
        found[(*where, element)] = item if whole else ITEM
        if isinstance(item, dict) and not whole:
            _flatten_map(item, schema, at, (*where, element), found, inner=inner)


def _flatten_map(
    value: Mapping[str, Any],
    schema: Schema,
    at: Path,
    where: Field,
    found: dict[Field, Any],
    *,
    inner: bool = False,
) -> None:
    for name, member in value.items():
        if member is not None:
            here = (*where, f"f:{name}")
            if schema.is_entry((*at, name)):
                found[here] = INNER
            _flatten(member, schema, (*at, name), here, found, inner=inner)


def list_elements(items: list[Any], rule: ListRule, at: Path) -> dict[str, Any] | None:
    """Items by their path element; None when their keys are missing or not unique, so that the list is one value."""
    try:
        elements = [element(item, rule, at) for item in items]
    except BadPatch:
        return None
    return dict(zip(elements, items, strict=True)) if len(set(elements)) == len(items) else None


def element(item: Any, rule: ListRule, at: Path) -> str:
    """`k:{…}` or `v:…`. Raises BadPatch for an item without its keys."""
    if not rule.keys:
        return "v:" + orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
    return "k:" + orjson.dumps(dict(rule.key_of(item))).decode()


def to_v1(fields: Iterable[Field]) -> Obj:
    """The nested form. A path that is owned beside others below it is marked with "."."""
    tree: Obj = {}
    for field in sorted(fields):
        node = tree
        for step in field:
            node = node.setdefault(step, {})
        node["."] = {}
    return _without_leaf_dots(tree)


def _without_leaf_dots(node: Obj) -> Obj:
    if set(node) == {"."}:
        return {}
    return {name: _without_leaf_dots(below) if name != "." else {} for name, below in node.items()}


def from_v1(tree: Any) -> Fields:
    """Read the nested form; what is no such form owns nothing."""
    return frozenset(_owned(tree, ())) if isinstance(tree, dict) else frozenset()


def edited(tree: Obj, *, removed: Iterable[Field] = (), added: Iterable[Field] = ()) -> Obj:
    """`to_v1(from_v1(tree) - removed | added)`, without a look at what stays as it is."""
    return _edited(tree, removed, added, owned=False) or {}


def _edited(
    node: Obj | None, removed: Iterable[Field], added: Iterable[Field], *, owned: bool
) -> Obj | None:
    """None when nothing is left below a place that is not `owned` itself."""
    below = {step: inner for step, inner in (node or {}).items() if step != "."}
    changes: dict[str, tuple[list[Field], list[Field]]] = {}
    for fields, place in ((removed, 0), (added, 1)):
        for field in fields:
            if field:
                changes.setdefault(field[0], ([], []))[place].append(field[1:])
            else:
                owned = place == 1
    for step, (out, new) in changes.items():
        known = below.pop(step, None)
        is_owned = known is not None and (not known or "." in known)
        left = _edited(known, out, new, owned=is_owned)
        if left is not None:
            below[step] = left
    if not below and not owned:
        return None
    return ({".": {}} if owned and below else {}) | dict(sorted(below.items()))


def owns(tree: Any, field: Field) -> bool:
    """Whether the nested form holds `field`, without reading all of it."""
    node = tree
    for step in field:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return isinstance(node, dict) and (not node or "." in node)


def _owned(node: Any, at: Field) -> Iterator[Field]:
    if not isinstance(node, dict):
        return
    if at and (not node or "." in node):
        yield at
    for step, below in node.items():
        if step != ".":
            yield from _owned(below, (*at, step))


def show(field: Field) -> str:
    """As Kubernetes prints it: `.spec.containers[name="x"].image`."""
    return "".join(map(_show_step, field))


def _show_step(step: str) -> str:
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "v":
        return f"[={rest}]"
    keys = orjson.loads(rest)
    return "[" + ",".join(f"{k}={orjson.dumps(v).decode()}" for k, v in sorted(keys.items())) + "]"
