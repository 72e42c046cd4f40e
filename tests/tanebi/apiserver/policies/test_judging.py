"""Rules, variables, messages and conditions of one policy."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.apiserver.policies.judging import Failure, denial, failures, warning

GIVEN = {"object": {"a": 1}, "oldObject": None, "request": {"operation": "CREATE"}}
GIVEN |= {"params": None, "namespaceObject": None}


def told(spec: dict[str, Any]) -> list[Failure]:
    return list(failures({"failurePolicy": "Fail", **spec}, GIVEN))


def rule(expression: str, **more: str) -> dict[str, Any]:
    return {"validations": [{"expression": expression, **more}]}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (rule("object.a == 1"), []),
        (rule("object.a == 2"), [Failure("failed expression: object.a == 2")]),
        (rule("false", message="no", reason="Forbidden"), [Failure("no", "Forbidden")]),
        (rule("false", messageExpression="'a is ' + string(object.a)"), [Failure("a is 1")]),
        (rule("false", messageExpression="object.b", message="plain"), [Failure("plain")]),
        ({**rule("false"), "matchConditions": [{"name": "n", "expression": "object.a == 2"}]}, []),
        (
            {
                **rule("variables.more == 3"),
                "variables": [
                    {"name": "one", "expression": "object.a"},
                    {"name": "more", "expression": "variables.one + 2"},
                ],
            },
            [],
        ),
        ({**rule("object.b == 1"), "failurePolicy": "Ignore"}, []),
    ],
)
def test_rules(spec: dict[str, Any], found: list[Failure]) -> None:
    assert told(spec) == found


def test_what_cannot_be_evaluated_does_not_hold() -> None:
    (failure,) = told(rule("object.b == 1"))
    assert failure.message.startswith("expression 'object.b == 1' resulted in error: no such key")
    conditions = {"matchConditions": [{"name": "n", "expression": "object.b == 1"}]}
    assert len(told({**rule("true"), **conditions})) == 1


def test_words() -> None:
    error = denial("widgets.tanebi.dev", "a", "p", "b", Failure("no", "Forbidden"))
    assert (error.status, error.reason) == (403, "Forbidden")
    assert error.message.endswith(
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"
    )
    assert warning("p", "b", Failure("no")).startswith("Validation failed for")
