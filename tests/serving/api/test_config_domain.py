"""ConfigMap config-domain."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_domain import CONFIG_DOMAIN, parse

LOCAL = {"networking.knative.dev/visibility": "cluster-local"}


def test_what_is_installed_needs_no_dns() -> None:
    assert parse(CONFIG_DOMAIN.data).of({}) == "localhost"
    assert parse(CONFIG_DOMAIN.data).of(LOCAL) == "svc.cluster.local"


def test_without_an_entry_everything_is_inside() -> None:
    assert parse({}).of({}) == "svc.cluster.local"
    assert yaml.safe_load(CONFIG_DOMAIN.example) is None
    assert parse({"_example": CONFIG_DOMAIN.example}) == parse({})


def test_the_most_specific_selector_wins() -> None:
    domains = parse(
        {
            "any.org": "",
            "a.org": "selector:\n  a: '1'\n",
            "ab.org": "selector:\n  a: '1'\n  b: '2'\n",
        }
    )
    assert domains.of({}) == "any.org"
    assert domains.of({"a": "1"}) == "a.org"
    assert domains.of({"a": "1", "b": "2", "c": "3"}) == "ab.org"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"Bad_Domain": ""}, "invalid domain 'Bad_Domain'"),
        ({"a.org": "selector: [x]"}, "domain 'a.org' needs a selector"),
        ({"a.org": "words"}, "domain 'a.org' needs a selector"),
        ({"a.org": "{"}, "the selector of domain 'a.org' is not YAML"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
