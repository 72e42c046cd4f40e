"""Objects against their types: decoding errors in Go's words, unknown fields, pruning. Pure.

Callers: tanebi.apiserver.admission.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

_JSON_TYPES: Final = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_GO_TYPES: Final = {
    "string_type": "string",
    "int_type": "int64",
    "int_from_float": "int64",
    "float_type": "float64",
    "bool_type": "bool",
    "list_type": "slice",
    "dict_type": "map",
    "model_type": "struct",
    "model_attributes_type": "struct",
}


def decode_error(error: ValidationError, obj: Any) -> str:
    """`json: cannot unmarshal string into Go struct field Service.spec.x of type int64` for the first error."""
    first = error.errors(include_url=False, include_context=False)[0]
    path, value = _located(first["loc"], obj)
    if first["type"] == "missing":
        return f"json: missing field {path!r}"
    got = _JSON_TYPES.get(type(value), "null")
    wanted = _GO_TYPES.get(first["type"], first["type"])
    return (
        f"json: cannot unmarshal {got} into Go struct field {error.title}.{path} of type {wanted}"
    )


def _located(loc: tuple[int | str, ...], obj: Any) -> tuple[str, Any]:
    """The path as Kubernetes writes it. Steps that are not in the object name a member of a union, not a place."""
    path, value = "", obj
    for step in loc:
        if isinstance(value, dict) and isinstance(step, str):
            if step not in value and step != loc[-1]:
                continue
            path, value = f"{path}.{step}" if path else step, value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            path, value = f"{path}[{step}]", value[step]
    return path, value


def surplus(model: BaseModel) -> bool:
    """True when something inside `model` is unknown to its type. The question every write asks, so only members that were
    given and that can hold models are looked at; `unknown_fields` gives the paths."""
    if model.model_extra:
        return True
    given = model.model_fields_set
    for name in _nesting(type(model)):
        if name in given and _surplus_below(getattr(model, name)):
            return True
    return False


def _surplus_below(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return surplus(value)
    if isinstance(value, list):
        return any(_surplus_below(item) for item in value)
    if isinstance(value, dict):
        return any(_surplus_below(item) for item in value.values())
    return False


@cache
def _nesting(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a type whose values can be models, or hold some."""
    return tuple(name for name, info in model.model_fields.items() if _may_nest(info.annotation))


def _may_nest(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_may_nest(argument) for argument in get_args(annotation))


def prune(model: BaseModel, obj: dict[str, Any]) -> None:
    """Remove from `obj`, in place, what the types do not know. `model` must be a view of `obj`."""
    for name in model.model_extra or ():
        obj.pop(name, None)
    for name, info in type(model).model_fields.items():
        alias = info.alias or name
        if alias in obj:
            _prune_below(getattr(model, name), obj[alias])


def _prune_below(value: Any, raw: Any) -> None:
    if isinstance(value, BaseModel):
        prune(value, raw)
    elif isinstance(value, list):
        for item, inner in zip(value, raw, strict=True):
            _prune_below(item, inner)
    elif isinstance(value, dict):
        for key, item in value.items():
            _prune_below(item, raw[key])


def omit_empty(model: BaseModel, obj: dict[str, Any]) -> None:
    """Remove from `obj`, in place, maps that are empty: Go leaves them out. `model` must be a view of `obj`. What is a struct to
    Go, such as `emptyDir`, stays. The metadata are looked after elsewhere."""
    given = model.model_fields_set
    for name, alias, free in _maps(type(model)):
        if name not in given or alias == "metadata":
            continue
        raw = obj.get(alias)
        if free and raw == {}:
            del obj[alias]
        elif raw:
            _omit_below(getattr(model, name), raw)


def _omit_below(value: Any, raw: Any) -> None:
    if isinstance(value, BaseModel):
        omit_empty(value, raw)
    elif isinstance(value, list):
        for item, inner in zip(value, raw, strict=True):
            _omit_below(item, inner)


@cache
def _maps(model: type[BaseModel]) -> tuple[tuple[str, str, bool], ...]:
    """(name, alias, whether it is a map) of the fields that are maps or may hold some."""
    return tuple(
        (name, info.alias or name, _is_map(info.annotation))
        for name, info in model.model_fields.items()
        if _is_map(info.annotation) or _may_nest(info.annotation)
    )


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict and get_args(annotation)[1:] != (Any,)
