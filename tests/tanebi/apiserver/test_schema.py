"""Models as structural schemas."""

from __future__ import annotations

from typing import Any, Literal

import jsonschema
import pytest
from pydantic import Field

from tanebi.api.core.kinds import KINDS as CORE
from tanebi.api.core.pod import IntOrString
from tanebi.api.meta import Model, Resource
from tanebi.apiserver.schema import metadata_schema, schema_of


class Leaf(Model):
    """A leaf."""

    name: str
    below: list[Leaf] = Field(default_factory=list)


class Tree(Resource):
    """A tree
    of leaves."""

    size: int = 0
    ratio: float | None = None
    port: IntOrString = 0
    mode: Literal["a", "b"] = "a"
    free: dict[str, Any] = Field(default_factory=dict)
    any_thing: Any = None
    labels: dict[str, str] = Field(default_factory=dict, description="Some labels.")
    leaf: Leaf | None = None
    mixed: Leaf | str = ""


def test_every_form() -> None:
    schema = schema_of(Tree)
    properties = schema["properties"]
    assert schema["description"] == "A tree of leaves."
    assert properties["metadata"] == {"type": "object"}
    assert properties["size"] == {"type": "integer", "format": "int64"}
    assert properties["ratio"] == {"type": "number", "format": "double"}
    assert properties["port"]["x-kubernetes-int-or-string"] is True
    assert properties["mode"] == {"type": "string", "enum": ["a", "b"]}
    assert properties["free"] == {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    }
    assert properties["anyThing"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert properties["labels"] == {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Some labels.",
    }
    assert properties["leaf"]["required"] == ["name"]
    assert properties["leaf"]["properties"]["below"]["items"] == {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    }
    assert properties["mixed"] == {"x-kubernetes-preserve-unknown-fields": True}


def walk(schema: Any) -> Any:
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from walk(inner)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from walk(schema[name])


@pytest.mark.parametrize("kind", CORE, ids=lambda k: k.kind)
def test_schemas_are_structural_and_valid(kind: Any) -> None:
    schema = schema_of(kind.model)
    jsonschema.Draft7Validator.check_schema(schema)
    for part in walk(schema):
        assert "$ref" not in part
        preserved = part.get("x-kubernetes-preserve-unknown-fields")
        assert "type" in part or preserved or part.get("x-kubernetes-int-or-string"), part


def test_metadata_has_its_fields() -> None:
    assert "ownerReferences" in metadata_schema()["properties"]
