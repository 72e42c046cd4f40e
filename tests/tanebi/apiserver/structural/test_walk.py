"""Pruning and defaulting."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.structural.walk import complete, prune

TEXT: Obj = {"type": "string"}


def obj(**properties: Any) -> Obj:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "value", "left", "gone"),
    [
        (obj(a=TEXT), {"a": "1", "b": 2}, {"a": "1"}, ["b"]),
        (obj(a=obj(b=TEXT)), {"a": {"b": "1", "c": 2}}, {"a": {"b": "1"}}, ["a.c"]),
        ({"type": "object"}, {"a": 1}, {}, ["a"]),
        ({"type": "object", "additionalProperties": TEXT}, {"a": "1"}, {"a": "1"}, []),
        ({"type": "object", "additionalProperties": True}, {"a": {"b": 1}}, {"a": {"b": 1}}, []),
        (
            {**obj(a=obj(b=TEXT)), "x-kubernetes-preserve-unknown-fields": True},
            {"a": {"b": "1", "c": 2}, "d": {"e": 1}},
            {"a": {"b": "1"}, "d": {"e": 1}},
            ["a.c"],
        ),
        (
            obj(a={"type": "array", "items": obj(b=TEXT)}),
            {"a": [{"b": "1"}, {"c": 1}]},
            {"a": [{"b": "1"}, {}]},
            ["a[1].c"],
        ),
        (
            obj(a={**obj(b=TEXT), "x-kubernetes-embedded-resource": True}),
            {"a": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "c": 1}},
            {"a": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}}},
            ["a.c"],
        ),
    ],
)
def test_prune(schema: Obj, value: Obj, left: Obj, gone: list[str]) -> None:
    value = copy.deepcopy(value)
    assert prune(schema, value) == gone
    assert value == left
    assert prune(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "after"),
    [
        (obj(a={**TEXT, "default": "x"}), {}, {"a": "x"}),
        (obj(a={**TEXT, "default": "x"}), {"a": None}, {"a": "x"}),
        (obj(a={**TEXT, "default": "x", "nullable": True}), {"a": None}, {"a": None}),
        (obj(a=TEXT), {"a": None}, {}),
        (obj(a=obj(b={**TEXT, "default": "x"})), {}, {}),
        (obj(a={**obj(b={**TEXT, "default": "x"}), "default": {}}), {}, {"a": {"b": "x"}}),
        (
            obj(a={"type": "array", "items": obj(b={"type": "integer", "default": 1})}),
            {"a": [{}, {"b": 2}]},
            {"a": [{"b": 1}, {"b": 2}]},
        ),
        (
            {"type": "object", "additionalProperties": obj(b={"type": "integer", "default": 1})},
            {"k": {}},
            {"k": {"b": 1}},
        ),
    ],
)
def test_complete(schema: Obj, value: Obj, after: Obj) -> None:
    value = copy.deepcopy(value)
    complete(schema, value)
    assert value == after
    complete(schema, value)
    assert value == after
