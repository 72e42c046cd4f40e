"""What policies and bindings are completed with and refused for."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.policies.rules import (
    binding_problems,
    default_binding,
    default_policy,
    policy_problems,
)
from tests.tanebi.apiserver.policies.asking import RULE, binding, policy


def complete(made: Obj) -> Obj:
    return default_policy(made, None, None)  # type: ignore[arg-type]  # not looked at


def test_defaults() -> None:
    spec = complete(policy("true"))["spec"]
    assert (spec["failurePolicy"], spec["matchConstraints"]["matchPolicy"]) == (
        "Fail",
        "Equivalent",
    )
    assert spec["matchConstraints"]["resourceRules"][0]["scope"] == "*"
    assert policy_problems({"spec": spec}, None) == []
    bound = default_binding(binding(matchResources={}), None, None)  # type: ignore[arg-type]
    assert bound["spec"]["matchResources"]["namespaceSelector"] == {}
    assert binding_problems(bound, None) == []


@pytest.mark.parametrize(
    ("made", "field", "text"),
    [
        (policy("object.a =="), "spec.validations[0].expression", "compilation failed"),
        (policy("unheard.a"), "spec.validations[0].expression", "undeclared reference"),
        (policy(""), "spec.validations[0].expression", "Required value"),
        (policy("true", validations=[]), "spec.validations", "must contain at least one item"),
        (policy("true", failurePolicy="Maybe"), "spec.failurePolicy", "Unsupported value"),
        (policy("true", matching={"resourceRules": []}), "resourceRules", "Required value"),
        (
            policy("true", matching={"resourceRules": [{**RULE, "operations": []}]}),
            "resourceRules[0].operations",
            "Required value",
        ),
        (policy("true", paramKind={"kind": "A"}), "spec.paramKind.apiVersion", "Required"),
        (
            policy("true", variables=[{"name": "a b", "expression": "1"}]),
            "spec.variables[0].name",
            "not a valid CEL identifier",
        ),
        (policy("true", matchConditions=[{"expression": "1"}]), "matchConditions[0].name", "Req"),
    ],
)
def test_refused_policies(made: Obj, field: str, text: str) -> None:
    told = policy_problems(complete(made), None)
    assert any(c["field"].endswith(field) and text in c["message"] for c in told), told


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"policyName": ""}, "spec.policyName"),
        ({"validationActions": []}, "spec.validationActions"),
        ({"validationActions": ["Deny", "Warn"]}, "spec.validationActions"),
        ({"validationActions": ["Deny", "Deny"]}, "spec.validationActions[1]"),
        ({"validationActions": ["Shout"]}, "spec.validationActions[0]"),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, "spec.paramRef"),
        ({"paramRef": {"name": "a"}}, "spec.paramRef.parameterNotFoundAction"),
    ],
)
def test_refused_bindings(spec: dict[str, Any], field: str) -> None:
    told = binding_problems(binding("Deny") | {"spec": binding("Deny", **spec)["spec"]}, None)
    assert [c["field"] for c in told] == [field]
