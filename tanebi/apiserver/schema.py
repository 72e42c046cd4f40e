"""Pydantic models as structural OpenAPI schemas. Pure.

Structural as CRDs demand it: no $ref, types everywhere, `x-kubernetes-preserve-unknown-fields` where a model holds anything,
`x-kubernetes-int-or-string` for both-ways values. Callers: tanebi.apiserver.crd, openapi.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from tanebi.api.meta import ObjectMeta, Resource

Schema = dict[str, Any]

ANYTHING: Final[Schema] = {"x-kubernetes-preserve-unknown-fields": True}
_PLAIN: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    bool: {"type": "boolean"},
    Any: ANYTHING,
}
HEAD: Final[Mapping[str, Schema]] = {
    "apiVersion": {
        "type": "string",
        "description": "APIVersion defines the versioned schema of this representation of an object.",
    },
    "kind": {
        "type": "string",
        "description": "Kind is a string value representing the REST resource this object represents.",
    },
}


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """The schema of a whole kind: `metadata` is opaque, as a CRD demands. Never change the result."""
    properties: Schema = dict(HEAD)
    properties["metadata"] = {"type": "object"}
    own = _properties(model, (model,))
    properties |= {name: schema for name, schema in own.items() if name not in properties}
    return _documented({"type": "object", "properties": properties}, model)


_METADATA: Final = {
    "name": "Name is unique among the objects of a kind in a namespace, and never changes.",
    "generateName": "GenerateName is the beginning of a name that the server completes when there is no name.",
    "namespace": "Namespace is the space in which the name is unique; empty for kinds of the cluster.",
    "uid": "UID tells this object from all others that have had its name.",
    "resourceVersion": "ResourceVersion changes with each write; a write that brings an old one is refused.",
    "generation": "Generation counts the changes of what is wished.",
    "creationTimestamp": "CreationTimestamp is a timestamp of when the server stored this object first.",
    "deletionTimestamp": "DeletionTimestamp is when the object is, or was, to be gone; set by a graceful deletion.",
    "labels": "Labels are what selectors choose objects by.",
    "annotations": "Annotations are kept for whoever reads them, and nothing is selected by them.",
    "finalizers": "Finalizers are the names of those who have work to do before the object may go.",
    "ownerReferences": "OwnerReferences name the objects with which this one goes.",
    "managedFields": "ManagedFields tell who wrote which field.",
}


@cache
def metadata_schema() -> Schema:
    """ObjectMeta, for `kubectl explain`."""
    schema = _of_model(ObjectMeta, ())
    told = {
        name: _described(one, _METADATA.get(name)) for name, one in schema["properties"].items()
    }
    return {**schema, "description": "Standard object's metadata.", "properties": told}


Models = tuple[type[BaseModel], ...]


def _properties(model: type[BaseModel], above: Models) -> Schema:
    return {
        info.alias or name: _described(_of_type(info.annotation, above), info.description)
        for name, info in model.model_fields.items()
    }


def _of_model(model: type[BaseModel], above: Models) -> Schema:
    """`above` are the models we are inside of: a type inside itself is left open, for schemas without $ref must end."""
    if model in above:
        return {"type": "object", **ANYTHING}
    if issubclass(model, Resource):
        return schema_of(model)
    schema: Schema = {"type": "object", "properties": _properties(model, (*above, model))}
    required = sorted(
        info.alias or name for name, info in model.model_fields.items() if info.is_required()
    )
    if required:
        schema["required"] = required
    return _documented(schema, model)


def _of_type(annotation: Any, above: Models) -> Schema:
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _of_union([a for a in arguments if a is not type(None)], above)
    if origin is Literal:
        return {"type": "string", "enum": [str(a) for a in arguments]}
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": _of_type(arguments[0], above)}
    if origin in (dict, Mapping):
        return _of_map(arguments[1], above)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation, above)
    return dict(ANYTHING)


def _of_map(value: Any, above: Models) -> Schema:
    if value is Any:
        return {"type": "object", **ANYTHING}
    return {"type": "object", "additionalProperties": _of_type(value, above)}


def _of_union(members: list[Any], above: Models) -> Schema:
    if len(members) == 1:
        return _of_type(members[0], above)
    if set(members) <= {int, str, float}:
        return {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    return dict(ANYTHING)


def _described(schema: Schema, text: str | None) -> Schema:
    return schema | {"description": text} if text else schema


def _documented(schema: Schema, model: type[BaseModel]) -> Schema:
    """With the docstring, when the model has one of its own."""
    own: Any = model.__dict__.get("__doc__")
    return schema | {"description": " ".join(str(own).split())} if own else schema
