"""Faults in Kubernetes' words, and agreement with an independent validator."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import Obj
from tanebi.apiserver.structural.validate import compiled, problems

INT: Obj = {"type": "integer"}
TEXT: Obj = {"type": "string"}


def at(schema: Obj) -> Obj:
    return {"type": "object", "properties": {"x": schema}}


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        (INT, "a", 'Invalid value: "string": x in body must be of type integer: "string"'),
        (INT, True, 'Invalid value: "boolean": x in body must be of type integer: "boolean"'),
        (INT, None, 'Invalid value: "null": x in body must be of type integer: "null"'),
        (INT, 1.5, 'Invalid value: "number": x in body must be of type integer: "number"'),
        ({**TEXT, "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        (
            {**INT, "minimum": 2},
            1,
            "Invalid value: 1: x in body should be greater than or equal to 2",
        ),
        (
            {**INT, "minimum": 2, "exclusiveMinimum": True},
            2,
            "Invalid value: 2: x in body should be greater than 2",
        ),
        ({**INT, "maximum": 2}, 3, "Invalid value: 3: x in body should be less than or equal to 2"),
        ({**INT, "multipleOf": 2}, 3, "Invalid value: 3: x in body should be a multiple of 2"),
        ({**TEXT, "maxLength": 1}, "ab", "Too long: may not be more than 1 bytes"),
        (
            {**TEXT, "minLength": 2},
            "a",
            'Invalid value: "a": x in body should be at least 2 chars long',
        ),
        ({**TEXT, "pattern": "^a$"}, "b", "Invalid value: \"b\": x in body should match '^a$'"),
        (
            {**TEXT, "format": "date-time"},
            "soon",
            'Invalid value: "soon": x in body must be of type date-time: "soon"',
        ),
        (
            {"type": "array", "items": INT, "maxItems": 1},
            [1, 2],
            "Too many: 2: must have at most 1 items",
        ),
        (
            {"type": "array", "items": INT, "minItems": 1},
            [],
            "Invalid value: 0: x in body should have at least 1 items",
        ),
        (
            {"type": "object", "maxProperties": 0},
            {"a": 1},
            "Too many: 1: must have at most 0 items",
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
            {},
            'Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
        ),
        (
            {"not": {"required": ["a"]}, "type": "object"},
            {"a": 1},
            'Invalid value: "": "x" must not validate the schema (not)',
        ),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            'Invalid value: "boolean": x in body must be of type integer,string: "boolean"',
        ),
    ],
)
def test_texts(schema: Obj, value: Any, text: str) -> None:
    found = problems(at(schema), {"x": value})
    assert text in [c["message"] for c in found], found
    assert {c["field"] for c in found} == {"x"}


def test_places() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {
            "list": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": TEXT, "n": INT},
                    "required": ["n"],
                },
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "set": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
        },
    }
    value = {"list": [{"name": "a", "n": 1}, {"name": "a"}], "set": ["x", "x"]}
    found = {c["field"]: (c["reason"], c["message"]) for c in problems(schema, value)}
    assert found == {
        "a": ("FieldValueRequired", "Required value"),
        "list[1]": ("FieldValueDuplicate", 'Duplicate value: {"name":"a"}'),
        "list[1].n": ("FieldValueRequired", "Required value"),
        "set[1]": ("FieldValueDuplicate", 'Duplicate value: "x"'),
    }


def test_patterns_are_re2_and_their_time_is_linear() -> None:
    schema = at({**TEXT, "pattern": r"^(a+)+\z"})
    assert problems(schema, {"x": "a" * 20_000}) == []
    assert len(problems(schema, {"x": "a" * 20_000 + "b"})) == 1
    for bad in ("(", "(?=a)"):
        with pytest.raises(ValueError, match=r"missing|invalid"):
            compiled(bad)


JSON = st.recursive(  # without null, which to Kubernetes is no value where no type is said
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
LEAF = st.sampled_from(
    [
        {"type": "string", "minLength": 1},
        {"type": "string", "pattern": "^a"},
        {"type": "integer", "minimum": 0},
        {"type": "boolean"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "object", "required": ["a"]},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
    ]
)
SCHEMA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        inner.map(lambda one: {"type": "array", "items": one}),
        inner.map(lambda one: {"type": "object", "properties": {"a": one}}),
        inner.map(lambda one: {"type": "object", "additionalProperties": one}),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"anyOf": many}),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"oneOf": many}),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"allOf": many}),
        inner.map(lambda one: {"type": "object", "not": one}),
    ),
    max_leaves=4,
)


@given(SCHEMA, JSON)
def test_agrees_with_json_schema(schema: Obj, value: Any) -> None:
    ours = not problems(schema, value)
    theirs = jsonschema.Draft4Validator(schema).is_valid(value)
    assert ours == theirs
