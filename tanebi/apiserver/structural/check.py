"""Is a schema structural: what a definition is refused for. Pure.

Source: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation and pkg/apiserver/schema validation.
Caller: tanebi.apiserver.definitions.rules.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from tanebi.api.meta import Obj
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.validate import compiled, problems, show
from tanebi.apiserver.structural.walk import EMBEDDED, INT_OR_STRING, PRESERVE, prune

DEPTH_MAX: Final = 60
TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
RULES: Final = "x-kubernetes-validations"
_FORBIDDEN: Final = (
    "definitions",
    "dependencies",
    "deprecated",
    "discriminator",
    "id",
    "patternProperties",
    "readOnly",
    "writeOnly",
    "xml",
)
_JUNCTIONS: Final = ("allOf", "anyOf", "oneOf")
# What may only stand in the structure itself, never below a junction.
_STRUCTURE: Final = ("type", "additionalProperties", "nullable", "default", "title", "description")
_TEXTS: Final = {
    "$ref": "$ref is not supported",
    "uniqueItems": "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
}

CheckRules = Callable[[Obj, str], list[Obj]]


def schema_problems(schema: Any, path: str, *, check_rules: CheckRules) -> list[Obj]:
    """Every fault of the schema at `path`. `check_rules` judges the CEL rules of one node."""
    if not isinstance(schema, dict):
        return [_required(path, "schemas are required")]
    found = []
    if schema.get("type") != "object":
        text = f"Invalid value: {show(schema.get('type') or '')}: must be object at the root"
        found.append(cause("FieldValueInvalid", f"{path}.type", text))
    return found + list(_node(schema, path, "", check_rules, 0))


def _node(schema: Obj, path: str, role: str, rules: CheckRules, depth: int) -> Iterator[Obj]:
    if depth > DEPTH_MAX:
        yield _forbidden(path, f"schemas nest at most {DEPTH_MAX} deep")
        return
    yield from _type(schema, path, role)
    yield from _unsupported(schema, path)
    yield from _value_faults(schema, path)
    yield from _list_faults(schema, path)
    yield from rules(schema, f"{path}.{RULES}") if schema.get(RULES) else ()
    for inner, where, below in _members(schema, path):
        if not isinstance(inner, dict):
            yield _invalid(where, inner, "must be a schema")
        elif below == "junction":
            yield from _junction(inner, where, depth)
        elif not (role == "" and where == f"{path}.properties[metadata]"):
            yield from _node(inner, where, below, rules, depth + 1)
    yield from _default(schema, path)


def _members(schema: Obj, path: str) -> Iterator[tuple[Any, str, str]]:
    for name, inner in (schema.get("properties") or {}).items():
        yield inner, f"{path}.properties[{name}]", "object fields"
    if isinstance(extra := schema.get("additionalProperties"), dict):
        yield extra, f"{path}.additionalProperties", "object fields"
    if (items := schema.get("items")) is not None:
        yield items, f"{path}.items", "array items"
    for name in _JUNCTIONS:
        for index, inner in enumerate(schema.get(name) or ()):
            yield inner, f"{path}.{name}[{index}]", "junction"
    if (inner := schema.get("not")) is not None:
        yield inner, f"{path}.not", "junction"


def _type(schema: Obj, path: str, role: str) -> Iterator[Obj]:
    type_ = schema.get("type")
    if type_ is None or type_ == "":
        if role and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
            yield _required(f"{path}.type", f"must not be empty for specified {role}")
    elif type_ not in TYPES:
        shown = ", ".join(show(one) for one in TYPES)
        text = f"Unsupported value: {show(type_)}: supported values: {shown}"
        yield cause("FieldValueNotSupported", f"{path}.type", text)
    if schema.get(EMBEDDED) and type_ != "object":
        yield _invalid(f"{path}.type", type_ or "", f"must be object if {EMBEDDED} is true")
    if type_ == "array" and schema.get("items") is None:
        yield _required(f"{path}.items", "must be specified")


def _unsupported(schema: Obj, path: str) -> Iterator[Obj]:
    for name in _FORBIDDEN:
        if schema.get(name):
            yield _forbidden(f"{path}.{name}", "must be empty to be structural")
    for name, text in _TEXTS.items():
        if schema.get(name):
            yield _forbidden(f"{path}.{name}", text)
    if schema.get("properties") and schema.get("additionalProperties"):
        text = "additionalProperties and properties are mutual exclusive"
        yield _forbidden(f"{path}.additionalProperties", text)
    if isinstance(schema.get("items"), list):
        yield _forbidden(f"{path}.items", "items must be a schema object and not an array")


def _value_faults(schema: Obj, path: str) -> Iterator[Obj]:
    pattern = schema.get("pattern")
    if pattern:
        try:
            compiled(str(pattern))
        except ValueError as error:
            yield _invalid(
                f"{path}.pattern",
                pattern,
                f"must be a valid regular expression, but isn't: {error}",
            )
    for name in (
        "maxLength",
        "minLength",
        "maxItems",
        "minItems",
        "maxProperties",
        "minProperties",
    ):
        limit = schema.get(name)
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            yield _invalid(f"{path}.{name}", limit, "must be greater than or equal to 0")
    for name in ("minimum", "maximum", "multipleOf"):
        if (limit := schema.get(name)) is not None and not isinstance(limit, (int, float)):
            yield _invalid(f"{path}.{name}", limit, "must be a number")
    for name in ("enum", "required", *_JUNCTIONS):
        if schema.get(name) is not None and not isinstance(schema[name], list):
            yield _invalid(f"{path}.{name}", schema[name], "must be a list")


def _list_faults(schema: Obj, path: str) -> Iterator[Obj]:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
    where = f"{path}.x-kubernetes-list-type"
    if kind is not None and schema.get("type") != "array":
        yield _invalid(
            f"{path}.type",
            schema.get("type") or "",
            "must be array if x-kubernetes-list-type is specified",
        )
    if kind not in (None, "atomic", "set", "map"):
        text = f'Unsupported value: {show(kind)}: supported values: "atomic", "map", "set"'
        yield cause("FieldValueNotSupported", where, text)
    if kind == "map" and not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        yield _required(f"{path}.x-kubernetes-list-map-keys", text)
    items: Obj = schema["items"] if isinstance(schema.get("items"), dict) else {}
    known = items.get("properties") or {}
    for index, key in enumerate(keys or ()):
        if key not in known:
            text = "must be the name of a property in the items schema"
            yield _invalid(f"{path}.x-kubernetes-list-map-keys[{index}]", key, text)
        elif key not in (items.get("required") or ()) and "default" not in known[key]:
            text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            yield _required(f"{path}.items.properties[{key}].default", text)


def _junction(schema: Obj, path: str, depth: int) -> Iterator[Obj]:
    """Below a junction only values are judged; what there may be is said outside."""
    if depth > DEPTH_MAX:
        yield _forbidden(path, f"schemas nest at most {DEPTH_MAX} deep")
        return
    for name in _STRUCTURE:
        type_of_both_ways = name == "type" and schema.get("type") in ("integer", "string")
        if schema.get(name) is not None and not type_of_both_ways:
            yield _forbidden(f"{path}.{name}", "must be empty to be structural")
    yield from _value_faults(schema, path)
    for inner, where, _ in _members(schema, path):
        if isinstance(inner, dict):
            yield from _junction(inner, where, depth + 1)


def _default(schema: Obj, path: str) -> Iterator[Obj]:
    if "default" not in schema:
        return
    where, value = f"{path}.default", copy.deepcopy(schema["default"])
    if unknown := prune(schema, value):
        yield _invalid(where, schema["default"], f"must not have unknown fields: {unknown[0]}")
    for fault in problems(schema, value):
        inner = "" if fault["field"] == "<nil>" else f".{fault['field']}"
        yield {**fault, "field": f"{where}{inner}"}


def _required(field: str, text: str) -> Obj:
    return cause("FieldValueRequired", field, f"Required value: {text}")


def _forbidden(field: str, text: str) -> Obj:
    return cause("FieldValueForbidden", field, f"Forbidden: {text}")


def _invalid(field: str, value: Any, text: str) -> Obj:
    return cause("FieldValueInvalid", field, f"Invalid value: {show(value)}: {text}")
