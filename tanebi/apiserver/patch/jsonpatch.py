"""JSON Patch (RFC 6902) over JSON Pointers (RFC 6901).

Pure: the document is copied where it changes and the argument stays as it was. An operation that cannot be carried out ends the
whole patch; nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from tanebi.apiserver.patch.errors import BadPatch

OPERATIONS_MAX: Final = 10_000  # Kubernetes' limit

Tokens = tuple[str, ...]


def apply(document: Any, patch: Any) -> Any:
    """The document after every operation.

    Raises BadPatch: 400 for what is no list of operations, 422 for an operation that cannot be."""
    if not isinstance(patch, list):
        raise BadPatch("error decoding patch: a JSON patch is a list of operations")
    if len(patch) > OPERATIONS_MAX:
        raise BadPatch(
            f"the allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {len(patch)}",
            code=413,
        )
    result = deepcopy(document)
    for index, operation in enumerate(patch):
        where = f"operation {index}"
        if not isinstance(operation, dict):
            raise BadPatch(f"error decoding patch: {where} is not an object")
        result = _operate(result, operation, f"{where} ({operation.get('op')!r})")
    return result


def parse_pointer(text: Any, where: str = "pointer") -> Tokens:
    """The reference tokens of a pointer; no tokens mean the whole document. Raises BadPatch."""
    if not isinstance(text, str):
        raise BadPatch(f"{where}: the path is not a string", code=422)
    if not text:
        return ()
    if not text.startswith("/"):
        raise BadPatch(f"{where}: path {text!r} does not begin with '/'", code=422)
    return tuple(_unescape(part, where) for part in text[1:].split("/"))


def pointer(tokens: Tokens) -> str:
    """The text of a pointer."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _unescape(token: str, where: str) -> str:
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise BadPatch(f"{where}: '~' in a path must be written '~0' (or '~1' for '/')", code=422)
    return token.replace("~1", "/").replace("~0", "~")


def _operate(document: Any, operation: dict[str, Any], where: str) -> Any:
    handler = _HANDLERS.get(str(operation.get("op")))
    if handler is None:
        raise BadPatch(f"{where}: unknown operation", code=422)
    return handler(document, operation, parse_pointer(operation.get("path"), where), where)


def _add(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    return _insert(document, path, deepcopy(_value(operation, where)), where)


def _remove(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    if not path:
        raise BadPatch(f"{where}: the whole document cannot be removed", code=422)
    parent = _resolve(document, path[:-1], where)
    _child(parent, path, where)
    del parent[_slot(parent, path, where)]
    return document


def _replace(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    value = deepcopy(_value(operation, where))
    if not path:
        return value
    parent = _resolve(document, path[:-1], where)
    _child_or_null(parent, path, where)
    parent[_slot(parent, path, where)] = value
    return document


def _move(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    source = parse_pointer(operation.get("from"), where)
    if len(source) < len(path) and path[: len(source)] == source:
        raise BadPatch(f"{where}: {pointer(source)!r} cannot move into itself", code=422)
    value = _resolve(document, source, where)
    if source == path:
        return document
    document = _remove(document, operation, source, where)
    return _insert(document, path, value, where)


def _copy(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    source = parse_pointer(operation.get("from"), where)
    if not source:
        return _insert(document, path, deepcopy(document), where)
    parent = _resolve(document, source[:-1], where)
    return _insert(document, path, deepcopy(_child_or_null(parent, source, where)), where)


def _test(document: Any, operation: dict[str, Any], path: Tokens, where: str) -> Any:
    wanted = _value(operation, where)
    try:
        found = _resolve(document, path, where)
    except BadPatch:
        if wanted is not None:
            raise
        return document  # Kubernetes takes an absent member for null
    if not same(found, wanted):
        raise BadPatch(f"{where}: the value at {pointer(path)!r} is another", code=422)
    return document


_HANDLERS: Final[dict[str, Callable[[Any, dict[str, Any], Tokens, str], Any]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _value(operation: dict[str, Any], where: str) -> Any:
    if "value" not in operation:
        raise BadPatch(f"{where}: has no value", code=422)
    return operation["value"]


def _insert(document: Any, path: Tokens, value: Any, where: str) -> Any:
    if not path:
        return value
    parent = _resolve(document, path[:-1], where)
    if isinstance(parent, list):
        at = len(parent) if path[-1] == "-" else _index(path[-1], len(parent) + 1, path, where)
        parent.insert(at, value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        raise _missing(path, where)
    return document


def _resolve(document: Any, path: Tokens, where: str) -> Any:
    value = document
    for depth in range(len(path)):
        value = _child(value, path[: depth + 1], where)
    return value


def _child(parent: Any, path: Tokens, where: str) -> Any:
    """The value at `path`, whose parent is at hand."""
    if isinstance(parent, dict) and path[-1] in parent:
        return parent[path[-1]]
    if isinstance(parent, list):
        return parent[_index(path[-1], len(parent), path, where)]
    raise _missing(path, where)


def _child_or_null(parent: Any, path: Tokens, where: str) -> Any:
    """The same, but what an object has not is null: `replace` and `copy` take it so in Kubernetes."""
    if isinstance(parent, dict):
        return parent.get(path[-1])
    return _child(parent, path, where)


def _slot(parent: Any, path: Tokens, where: str) -> Any:
    return _index(path[-1], len(parent), path, where) if isinstance(parent, list) else path[-1]


def _index(token: str, limit: int, path: Tokens, where: str) -> int:
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise BadPatch(f"{where}: {pointer(path)!r} is not an index of a list", code=422)
    if len(token) > 9 or int(token) >= limit:
        raise _missing(path, where)
    return int(token)


def _missing(path: Tokens, where: str) -> BadPatch:
    return BadPatch(f"{where}: there is nothing at {pointer(path)!r}", code=422)
