"""ConfigMap config-network."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_network import CONFIG_NETWORK, parse


def test_knatives_defaults() -> None:
    found = parse({})
    assert found.domain_template.source == "{{.Name}}.{{.Namespace}}.{{.Domain}}"
    assert found.tag_template.source == "{{.Tag}}-{{.Name}}"
    assert (found.external_domain_tls, found.http_redirected) == (False, False)
    assert (found.default_external_scheme, found.mesh_mode) == ("http", "auto")
    assert (found.rollout_duration_s, found.autocreate_claims) == (0.0, False)


def test_the_example_says_the_defaults() -> None:
    assert parse(yaml.safe_load(CONFIG_NETWORK.example)) == parse({})


def test_values() -> None:
    found = parse(
        {
            "domain-template": '{{.Name}}.{{index .Labels "team"}}x.{{.Namespace}}.{{.Domain}}',
            "rollout-duration": "30",
            "auto-tls": "Enabled",
            "http-protocol": "Redirected",
            "ingress-class": "mine",
        }
    )
    assert (found.external_domain_tls, found.http_redirected) == (True, True)
    assert (found.rollout_duration_s, found.ingress_class) == (30.0, "mine")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"domain-template": "{{.Name}}.{{.Domain}}"}, r"must contain \{\{.Namespace\}\}"),
        ({"tag-template": "{{.Tag}}"}, r"must contain \{\{.Name\}\}"),
        (
            {"domain-template": "{{.Name}}_{{.Namespace}}.{{.Domain}}"},
            "domain-template: .* gives 'foo_bar.baz.com'",
        ),
        ({"domain-template": "{{.Nme}}"}, "domain-template"),
        ({"external-domain-tls": "Perhaps"}, "external-domain-tls: 'Perhaps' is not one of"),
        ({"default-external-scheme": "ftp"}, "default-external-scheme"),
        ({"rollout-duration": "-1"}, "rollout-duration = -1"),
        ({"autocreate-cluster-domain-claims": "ja"}, "autocreate-cluster-domain-claims"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
