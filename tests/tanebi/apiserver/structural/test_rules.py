"""Rules in CEL."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.structural.rules import Rules, escaped, for_cel, rule_problems


def ask(schema: Obj, obj: Any, old: Any = None) -> list[tuple[str, str]]:
    return [(c["field"], c["message"]) for c in Rules(schema).problems(obj, old)]


def node(*rules: Obj, **properties: Any) -> Obj:
    return {
        "type": "object",
        "properties": properties,
        "x-kubernetes-validations": list(rules),
    }


INT: Obj = {"type": "integer"}


def test_texts_and_places() -> None:
    schema = node(
        {"rule": "self.a < self.b"},
        {
            "rule": "self.a > 0",
            "message": "a first",
            "fieldPath": ".a",
            "reason": "FieldValueForbidden",
        },
        {"rule": "self.b > 0", "messageExpression": "'b is ' + string(self.b)"},
        a=INT,
        b=INT,
    )
    outer = {"type": "object", "properties": {"spec": schema}}
    assert ask(outer, {"spec": {"a": 1, "b": 2}}) == []
    assert ask(outer, {"spec": {"a": 0, "b": -1}}) == [
        ("spec", 'Invalid value: "object": failed rule: self.a < self.b'),
        ("spec.a", "Forbidden: a first"),
        ("spec", 'Invalid value: "object": b is -1'),
    ]
    found = ask(outer, {"spec": {"a": 1}})
    assert found[0][1].endswith("no such key: b")


def test_rules_about_change_are_asked_of_what_was_there_before() -> None:
    item = node(
        {"rule": "self.n >= oldSelf.n", "message": "never less"}, name={"type": "string"}, n=INT
    )
    listed: Obj = {"type": "array", "items": item}
    schema = {"type": "object", "properties": {"l": listed}}
    old, new = {"l": [{"name": "a", "n": 2}]}, {"l": [{"name": "b", "n": 0}, {"name": "a", "n": 1}]}
    assert ask(schema, new) == []
    assert ask(schema, new, old) == []  # which item is which cannot be told
    listed |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    assert ask(schema, new, old) == [("l[1]", 'Invalid value: "object": never less')]


def test_what_rules_see() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a-b": INT,
            "in": INT,
            "ratio": {"type": "number"},
            "at": {"type": "string", "format": "date-time"},
            "map": {"type": "object", "additionalProperties": INT},
        },
    }
    value = {"a-b": 1, "in": 2, "ratio": 3, "map": {"c-d": 1}}
    seen = for_cel(schema, value)
    assert seen == {"a__dash__b": 1, "__in__": 2, "ratio": 3.0, "map": {"c-d": 1}}
    assert isinstance(seen["ratio"], float)
    timed = {
        **schema,
        "x-kubernetes-validations": [{"rule": "self.at < timestamp('2026-01-01T00:00:00Z')"}],
    }
    assert ask(timed, {"at": "2025-01-01T00:00:00Z"}) == []
    assert len(ask(timed, {"at": "2027-01-01T00:00:00Z"})) == 1
    assert escaped("a__b.c/d") == "a__underscores__b__dot__c__slash__d"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"rule": "self.("}, "compilation failed"),
        ({"rule": "nowhere(self) > 1"}, "undeclared reference to 'nowhere'"),
        ({"rule": "this.a"}, "undeclared reference to 'this'"),
        ({"rule": "self.a == oldSelf.orValue(1)", "optionalOldSelf": True}, "optionalOldSelf"),
        ({"message": "no rule"}, "Required value"),
        ({"rule": "true", "reason": "Because"}, "Unsupported value"),
    ],
)
def test_rules_are_refused_when_they_are_made(rule: Obj, text: str) -> None:
    found = rule_problems({"x-kubernetes-validations": [rule]}, "at")
    assert text in found[0]["message"]
