"""config-features."""

from __future__ import annotations

import pytest
import yaml

from eventing.api.config_features import DEFAULTS, FEATURES, parse


def test_the_example_parses_to_the_defaults() -> None:
    assert parse(yaml.safe_load(FEATURES.example)) == parse({})
    assert parse({}).flags == DEFAULTS


def test_flags() -> None:
    found = parse(
        {"delivery-retryafter": " Enabled ", "_example": "x", "transport-encryption": "strict"}
    )
    assert found.enabled("delivery-retryafter")
    assert found.enabled("delivery-timeout")
    assert not found.enabled("kreference-group")
    assert not found.enabled("unheard-of")
    assert found.flags["transport-encryption"] == "strict"
    assert "_example" not in found.flags


def test_free_text() -> None:
    found = parse({"oidc-discovery-base-url": "https://x", "apiserversources-nodeselector-a": "b"})
    assert found.flags["oidc-discovery-base-url"] == "https://x"


@pytest.mark.parametrize(
    ("key", "value"), [("delivery-timeout", "maybe"), ("transport-encryption", "enabled")]
)
def test_bad_values_are_named(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{key}.*{value}"):
        parse({key: value})
