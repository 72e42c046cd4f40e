"""Rules for delivery options."""

from __future__ import annotations

from typing import Any

import pytest

from eventing.api.config_features import parse
from eventing.api.delivery_types import DeliverySpec
from eventing.api.delivery_validation import validate_delivery
from tanebi.api.fielderrors import render


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, ""),
        (
            {
                "retry": 3,
                "timeout": "PT5S",
                "backoffPolicy": "linear",
                "backoffDelay": "PT0.5S",
                "format": "json",
                "deadLetterSink": {"uri": "http://x/"},
            },
            "",
        ),
        ({"retry": -1}, "invalid value: -1: retry"),
        ({"retry": 2**31}, f"invalid value: {2**31}: retry"),
        ({"timeout": "PT0S"}, "invalid value: PT0S: timeout"),
        ({"timeout": "5s"}, "invalid value: 5s: timeout"),
        ({"backoffPolicy": "cubic"}, "invalid value: cubic: backoffPolicy"),
        ({"backoffDelay": "soon"}, "invalid value: soon: backoffDelay"),
        ({"format": "xml"}, "invalid value: xml: format"),
        ({"retryAfterMax": "PT1S"}, "must not set the field(s): retryAfterMax"),
        (
            {"deadLetterSink": {}},
            "expected at least one, got none: deadLetterSink.ref, deadLetterSink.uri",
        ),
    ],
)
def test_rules(spec: dict[str, Any], text: str) -> None:
    assert render(validate_delivery(DeliverySpec.model_validate(spec), parse({}))) == text


def test_flags_rule_what_may_be_said() -> None:
    features = parse({"delivery-timeout": "disabled", "delivery-retryafter": "enabled"})
    spec = DeliverySpec(timeout="PT1S", retry_after_max="later")
    assert render(validate_delivery(spec, features)) == (
        "invalid value: later: retryAfterMax\nmust not set the field(s): timeout"
    )
    assert validate_delivery(DeliverySpec(retry_after_max="PT0S"), features) == []


def test_nothing_said() -> None:
    assert validate_delivery(None, parse({})) == []
