"""Objects against their schema, in Kubernetes' words. Pure.

The schema is checked before (tanebi.apiserver.structural.check), so that its own members are what they should be.
Source of the wording: k8s.io/kube-openapi validation/errors and apimachinery util/validation/field.
Caller: tanebi.apiserver.structural.structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Protocol

import orjson
import re2

from tanebi.api.meta import Obj
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.formats import fits
from tanebi.apiserver.structural.walk import EMBEDDED, INT_OR_STRING, PRESERVE, below

CAUSES_MAX: Final = 100
_NAMES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}

_QUIET: Final = re2.Options()
_QUIET.log_errors = False


class Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


def problems(schema: Obj, value: Any, path: str = "") -> list[Obj]:
    """Every fault, CAUSES_MAX at most."""
    found: list[Obj] = []
    for fault in _faults(schema, value, path):
        found.append(fault)
        if len(found) >= CAUSES_MAX:
            break
    return found


def _faults(schema: Obj, value: Any, path: str) -> Iterator[Obj]:
    if value is None and (schema.get("nullable") or not schema.get("type")):
        return
    if wrong := _wrong_type(schema, value):
        got = type_name(value)
        yield _invalid(
            path, got, f'{_body(path)} must be of type {wrong}: "{got}"', "FieldValueTypeInvalid"
        )
        return
    yield from _enum(schema, value, path)
    if isinstance(value, str):
        yield from _string(schema, value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(schema, value, path)
    elif isinstance(value, list):
        yield from _list(schema, value, path)
    elif isinstance(value, dict):
        yield from _object(schema, value, path)
    members = list(below(schema, value, path))
    if isinstance(value, dict):
        members.sort(key=lambda member: member[2])
    for inner, member, where in members:
        yield from _faults(inner, member, where)
    yield from _junctions(schema, value, path)


def type_name(value: Any) -> str:
    return "null" if value is None else _NAMES.get(type(value), "object")


def _wrong_type(schema: Obj, value: Any) -> str:
    """The type that was wanted, or "" when it is there."""
    if schema.get(INT_OR_STRING):
        fine = isinstance(value, (int, str)) and not isinstance(value, bool)
        return "" if fine else "integer,string"
    wanted = str(schema.get("type") or "")
    got = type_name(value)
    if not wanted or wanted == got or (wanted == "number" and got == "integer"):
        return ""
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return ""
    return wanted


def _enum(schema: Obj, value: Any, path: str) -> Iterator[Obj]:
    allowed = schema.get("enum")
    if allowed is None or any(same(value, one) for one in allowed):
        return
    shown = ", ".join(show(one) for one in allowed)
    text = f"Unsupported value: {show(value)}: supported values: {shown}"
    yield cause("FieldValueNotSupported", path, text)


def _string(schema: Obj, value: str, path: str) -> Iterator[Obj]:
    """The first thing that is wrong with the text, and then its format."""
    most, least, pattern = (schema.get(k) for k in ("maxLength", "minLength", "pattern"))
    if most is not None and len(value) > most:
        yield cause("FieldValueTooLong", path, f"Too long: may not be more than {most} bytes")
    elif least is not None and len(value) < least:
        yield _invalid(path, value, f"{_body(path)} should be at least {least} chars long")
    elif pattern and not compiled(pattern).search(value):
        yield _invalid(path, value, f"{_body(path)} should match '{pattern}'")
    if (format_ := schema.get("format")) and not fits(format_, value):
        text = f"{_body(path)} must be of type {format_}: {show(value)}"
        yield _invalid(path, value, text, "FieldValueTypeInvalid")


def _number(schema: Obj, value: float, path: str) -> Iterator[Obj]:
    if (least := schema.get("minimum")) is not None:
        if schema.get("exclusiveMinimum") and value <= least:
            yield _invalid(path, value, f"{_body(path)} should be greater than {least}")
        elif value < least:
            yield _invalid(path, value, f"{_body(path)} should be greater than or equal to {least}")
    if (most := schema.get("maximum")) is not None:
        if schema.get("exclusiveMaximum") and value >= most:
            yield _invalid(path, value, f"{_body(path)} should be less than {most}")
        elif value > most:
            yield _invalid(path, value, f"{_body(path)} should be less than or equal to {most}")
    if (factor := schema.get("multipleOf")) and value % factor:
        yield _invalid(path, value, f"{_body(path)} should be a multiple of {factor}")
    bits = {"int32": 31, "int64": 63}.get(str(schema.get("format")), 63)
    if schema.get("type") == "integer" and not -(2**bits) <= value < 2**bits:
        yield _invalid(path, value, f"{_body(path)} must be of type int{bits + 1}: {show(value)}")


def _list(schema: Obj, value: list[Any], path: str) -> Iterator[Obj]:
    if (most := schema.get("maxItems")) is not None and len(value) > most:
        text = f"Too many: {len(value)}: must have at most {most} items"
        yield cause("FieldValueTooMany", path, text)
        return
    if (least := schema.get("minItems")) is not None and len(value) < least:
        yield _invalid(path, len(value), f"{_body(path)} should have at least {least} items")
    identify = _identity(schema)
    if identify is None:
        return
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        shown, identity = identify(item)
        if identity in seen:
            yield cause(
                "FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {show(shown)}"
            )
        seen.add(identity)


def _identity(schema: Obj) -> Callable[[Any], tuple[Any, bytes]] | None:
    """What must not stand twice in a list: the item of a set, the keys of a map's item."""
    kind = schema.get("x-kubernetes-list-type")
    keys = sorted(schema.get("x-kubernetes-list-map-keys") or ())

    def of(item: Any) -> tuple[Any, bytes]:
        shown = {k: item[k] for k in keys if k in item} if isinstance(item, dict) and keys else item
        return shown, orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)

    return of if kind in ("set", "map") else None


def _object(schema: Obj, value: Obj, path: str) -> Iterator[Obj]:
    for name in schema.get("required") or ():
        if name not in value:
            where = f"{path}.{name}" if path else name
            yield cause("FieldValueRequired", where, "Required value")
    if (most := schema.get("maxProperties")) is not None and len(value) > most:
        text = f"Too many: {len(value)}: must have at most {most} items"
        yield cause("FieldValueTooMany", path, text)
    if (least := schema.get("minProperties")) is not None and len(value) < least:
        yield _invalid(path, value, f"{_body(path)} should have at least {least} properties")
    if schema.get(EMBEDDED):
        for name in ("apiVersion", "kind"):
            if not value.get(name):
                where = f"{path}.{name}"
                yield cause("FieldValueRequired", where, "Required value: must not be empty")
    if schema.get("additionalProperties") is False and not schema.get(PRESERVE):
        for name in sorted(value.keys() - (schema.get("properties") or {}).keys()):
            text = f"{_body(path)}.{name} is a forbidden property"
            yield _invalid(path, "", text)


def _junctions(schema: Obj, value: Any, path: str) -> Iterator[Obj]:
    """allOf, anyOf, oneOf, not."""
    at = f'"{path}"'

    def holds(one: Obj) -> bool:
        return next(_faults(one, value, path), None) is None

    if parts := schema.get("allOf"):
        for part in parts:
            yield from _faults(part, value, path)
        if not all(map(holds, parts)):
            yield _invalid(path, "", f"{at} must validate all the schemas (allOf)")
    if (parts := schema.get("anyOf")) and not any(map(holds, parts)):
        yield from _faults(parts[0], value, path)
        yield _invalid(path, "", f"{at} must validate at least one schema (anyOf)")
    if parts := schema.get("oneOf"):
        valid = sum(map(holds, parts))
        if valid != 1:
            found = "Found none valid" if not valid else f"Found {valid} valid alternatives"
            yield _invalid(path, "", f"{at} must validate one and only one schema (oneOf). {found}")
    if (part := schema.get("not")) is not None and holds(part):
        yield _invalid(path, "", f"{at} must not validate the schema (not)")


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def show(value: Any) -> str:
    return orjson.dumps(value).decode()


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Pattern:
    """A pattern, in RE2 as in Kubernetes: its time is linear, whatever the pattern. Raises ValueError."""
    try:
        found: Pattern = re2.compile(pattern, _QUIET)
    except re2.error as error:
        why = error.args[0] if error.args else "no pattern"
        raise ValueError(why.decode() if isinstance(why, bytes) else str(why)) from error
    return found


def _body(path: str) -> str:
    return f"{path} in body"


def _invalid(path: str, value: Any, text: str, reason: str = "FieldValueInvalid") -> Obj:
    return cause(reason, path or "<nil>", f"Invalid value: {show(value)}: {text}")
