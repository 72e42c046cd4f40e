"""Rules for a trigger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eventing.api.names import DEPENDENCY, INJECTION
from eventing.api.trigger_types import Trigger
from eventing.api.trigger_validation import validate_trigger
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission

Make = Callable[..., Admission]
RULE = "Attribute name must start with a letter and can only contain lowercase alphanumeric"


def trigger(annotations: dict[str, str] | None = None, **spec: Any) -> Trigger:
    meta = {"name": "t", "namespace": "shop", "annotations": annotations or {}}
    full = {"broker": "default", "subscriber": {"uri": "http://x/"}, **spec}
    return Trigger.model_validate({"metadata": meta, "spec": full})


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, ""),
        ({"broker": ""}, "missing field(s): spec.broker"),
        (
            {"brokerRef": {"name": "x"}},
            "expected exactly one, got both: spec.broker, spec.brokerRef",
        ),
        ({"broker": "", "brokerRef": {"name": "x"}}, ""),
        (
            {"broker": "", "brokerRef": {"namespace": "y"}},
            "missing field(s): spec.brokerRef.name\nmust not set the field(s): spec.brokerRef.namespace",
        ),
        (
            {"subscriber": {}},
            "expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri",
        ),
        (
            {"filter": {"attributes": {"Bad-Name": "x", "good1": "y"}}},
            f'invalid key name "Bad-Name": spec.filter.attributes[Bad-Name]\n{RULE}',
        ),
        (
            {"filters": [{"exact": {"type": "a"}}, {"prefix": {"0x": "a"}}]},
            f'invalid key name "0x": spec.filters[1].prefix[0x]\n{RULE}',
        ),
        (
            {"filters": [{"exact": {"type": "a"}, "prefix": {"type": "a"}}]},
            "multiple dialects found, filters can have only one dialect set: spec.filters[0]",
        ),
        (
            {"filters": [{"all": [{"not": {"any": [{"suffix": {"A": "x"}}]}}]}]},
            f'invalid key name "A": spec.filters[0].all[0].not.any[0].suffix[A]\n{RULE}',
        ),
        (
            {"filters": [{"cesql": "type = 'x'"}]},
            "the cesql dialect is not supported yet: spec.filters[0].cesql\n"
            "use exact, prefix, suffix, all, any and not",
        ),
        ({"delivery": {"timeout": "x"}}, "invalid value: x: spec.delivery.timeout"),
    ],
)
def test_rules(admission: Make, spec: dict[str, Any], text: str) -> None:
    assert render(validate_trigger(trigger(**spec), None, admission())) == text


def test_other_namespaces_behind_their_flag(admission: Make) -> None:
    settings = admission(config_features={"cross-namespace-event-links": "enabled"})
    made = trigger(broker="", brokerRef={"name": "x", "namespace": "y"})
    assert validate_trigger(made, None, settings) == []


def test_the_broker_never_changes(admission: Make) -> None:
    text = render(validate_trigger(trigger(broker="other"), trigger(), admission()))
    assert "Immutable fields changed (-old +new): broker, spec" in text
    assert '-: "default"' in text
    assert '+: "other"' in text


REF = {"kind": "PingSource", "name": "p", "apiVersion": "sources.knative.dev/v1"}
AT = f"metadata.annotations[{DEPENDENCY}]"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (json.dumps(REF), ""),
        (json.dumps({**REF, "namespace": "shop"}), ""),
        (
            json.dumps({**REF, "namespace": "x"}),
            f'Namespace must be empty or equal to the trigger namespace "shop": {AT}.namespace',
        ),
        ("{}", f"missing field(s): {AT}.apiVersion, {AT}.kind, {AT}.name"),
        ("[]", f'The provided annotation was not a corev1.ObjectReference: "[]": {AT}'),
        ("nonsense", f'The provided annotation was not a corev1.ObjectReference: "nonsense": {AT}'),
    ],
)
def test_dependencies(admission: Make, said: str, text: str) -> None:
    found = render(validate_trigger(trigger({DEPENDENCY: said}), None, admission()))
    assert found.split("\n")[0] == text


@pytest.mark.parametrize(
    ("said", "broker", "text"),
    [
        ("enabled", "default", ""),
        ("yes", "default", 'can only be "enabled" or "disabled", not "yes"'),
        ("enabled", "other", 'non-default broker specified here: "other"'),
    ],
)
def test_injection(admission: Make, said: str, broker: str, text: str) -> None:
    found = render(validate_trigger(trigger({INJECTION: said}, broker=broker), None, admission()))
    assert text in found
    assert bool(found) is bool(text)
