"""What a webhook configuration is refused for."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.webhooks.rules import configuration_problems, default_configuration
from tests.tanebi.apiserver.webhooks.answering import configuration, hook

CLIENT: Obj = {"service": {"namespace": "default", "name": "hook"}}


def complete(obj: Obj) -> Obj:
    return default_configuration(copy.deepcopy(obj), None, None)  # type: ignore[arg-type]  # not looked at


def fields(*hooks: Obj) -> dict[str, str]:
    found = configuration_problems(complete(configuration("Validating", "v", *hooks)), None)
    return {c["field"]: c["message"] for c in found}


def test_defaults() -> None:
    found = complete(configuration("Mutating", "m", hook(CLIENT)))["webhooks"][0]
    assert found["clientConfig"]["service"]["port"] == 443
    assert (found["failurePolicy"], found["matchPolicy"]) == ("Fail", "Equivalent")
    assert (found["reinvocationPolicy"], found["rules"][0]["scope"]) == ("Never", "*")
    assert fields(hook(CLIENT)) == {}


@pytest.mark.parametrize(
    ("more", "field", "text"),
    [
        ({"name": "hook"}, "name", "at least three segments"),
        ({"sideEffects": "Some"}, "sideEffects", "Unsupported value"),
        ({"failurePolicy": "Maybe"}, "failurePolicy", "Unsupported value"),
        ({"timeoutSeconds": 31}, "timeoutSeconds", "between 1 and 30"),
        ({"admissionReviewVersions": ["v1beta1"]}, "admissionReviewVersions", "at least one of v1"),
        ({"rules": [{"operations": ["READ"]}]}, "rules[0].operations[0]", "Unsupported value"),
        (
            {"matchConditions": [{"name": "x", "expression": "object."}]},
            "matchConditions[0].expression",
            "compilation failed",
        ),
        ({"clientConfig": {}}, "clientConfig", "exactly one of url or service"),
        ({"clientConfig": {"url": "http://x"}}, "clientConfig.url", "'https' is the only"),
        (
            {"clientConfig": {"url": "https://x", "caBundle": "eA=="}},
            "clientConfig.caBundle",
            "unable to load root certificates",
        ),
        (
            {"clientConfig": {"service": {"name": "x"}}},
            "clientConfig.service.namespace",
            "Required value",
        ),
    ],
)
def test_refusals(more: dict[str, Any], field: str, text: str) -> None:
    found = fields({**hook(CLIENT), **more})
    assert f"webhooks[0].{field}" in found, found
    assert text in found[f"webhooks[0].{field}"]


def test_names_are_unique() -> None:
    assert "Duplicate value" in fields(hook(CLIENT), hook(CLIENT))["webhooks[1].name"]
