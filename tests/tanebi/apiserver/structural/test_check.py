"""Is a schema structural. The refusals of whole definitions are in definitions/test_rules.py."""

from __future__ import annotations

from typing import Any

from tanebi.api.meta import Obj
from tanebi.apiserver.structural.check import DEPTH_MAX, schema_problems
from tanebi.apiserver.structural.rules import rule_problems


def faults(schema: Any) -> list[str]:
    return [c["field"] for c in schema_problems(schema, "s", check_rules=rule_problems)]


def root(**more: Any) -> Obj:
    return {"type": "object", **more}


def test_a_structural_schema_has_no_fault() -> None:
    both_ways = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    schema = root(
        properties={
            "metadata": {"properties": {"name": {"maxLength": 10}}},
            "a": {"x-kubernetes-int-or-string": True, **both_ways},
            "b": {"x-kubernetes-preserve-unknown-fields": True},
            "c": root(properties={"d": {"type": "string"}}, oneOf=[{"required": ["d"]}]),
        }
    )
    assert faults(schema) == []


def test_junctions_only_judge() -> None:
    schema = root(properties={"a": root(anyOf=[{"properties": {"b": {"default": 1}}}])})
    assert faults(schema) == ["s.properties[a].anyOf[0].properties[b].default"]


def test_lists_of_maps_name_their_keys() -> None:
    items = root(properties={"name": {"type": "string"}})
    listed = {"type": "array", "items": items, "x-kubernetes-list-type": "map"}
    assert faults(root(properties={"a": listed})) == ["s.properties[a].x-kubernetes-list-map-keys"]
    listed["x-kubernetes-list-map-keys"] = ["other"]
    assert faults(root(properties={"a": listed})) == [
        "s.properties[a].x-kubernetes-list-map-keys[0]"
    ]
    listed["x-kubernetes-list-map-keys"] = ["name"]
    assert faults(root(properties={"a": listed})) == [
        "s.properties[a].items.properties[name].default"
    ]
    items["properties"]["name"]["default"] = "x"
    assert faults(root(properties={"a": listed})) == []


def test_depth_has_a_limit_and_nonsense_is_told() -> None:
    schema: Obj = {"type": "string"}
    for _ in range(DEPTH_MAX + 5):
        schema = root(properties={"a": schema})
    assert len(faults(schema)) == 1
    assert faults(None) == ["s"]
    assert faults(root(properties={"a": 1})) == ["s.properties[a]"]
    assert faults(root(properties={"a": {"type": "thing"}})) == ["s.properties[a].type"]
    assert faults(root(maxProperties=-1)) == ["s.maxProperties"]
