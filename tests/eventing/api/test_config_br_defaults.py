"""config-br-defaults."""

from __future__ import annotations

import pytest
import yaml

from eventing.api.config_br_defaults import BROKER_DEFAULTS, KEY, parse


def test_the_example_parses_to_the_defaults() -> None:
    shipped = parse({})
    assert parse(yaml.safe_load(BROKER_DEFAULTS.example)) == shipped
    assert parse(BROKER_DEFAULTS.data) == shipped
    assert shipped.broker_class("any") == "MTChannelBasedBroker"
    assert shipped.of("any", "MTChannelBasedBroker").delivery == {
        "retry": 10,
        "backoffPolicy": "exponential",
        "backoffDelay": "PT0.2S",
    }


NESTED = """
clusterDefault:
  brokerClass: A
  kind: ConfigMap
  apiVersion: v1
  name: cluster-own
  brokerClasses:
    B: {kind: ConfigMap, apiVersion: v1, name: cluster-b}
    C: {kind: ConfigMap, apiVersion: v1, name: cluster-c}
namespaceDefaults:
  ns:
    brokerClass: B
    disallowDifferentNamespaceConfig: true
    brokerClasses:
      B: {kind: ConfigMap, apiVersion: v1, name: ns-b}
"""


@pytest.mark.parametrize(
    ("namespace", "broker_class", "name"),
    [
        ("ns", "B", "ns-b"),
        ("ns", "C", "cluster-c"),
        ("ns", "A", "cluster-own"),
        ("ns", "Unknown", "cluster-own"),
        ("other", "B", "cluster-b"),
    ],
)
def test_order_of_looking(namespace: str, broker_class: str, name: str) -> None:
    found = parse({KEY: NESTED}).of(namespace, broker_class)
    assert found.config is not None
    assert found.config["name"] == name


def test_namespaces() -> None:
    found = parse({KEY: NESTED})
    assert (found.broker_class("ns"), found.broker_class("other")) == ("B", "A")
    assert (found.own_namespace_only("ns"), found.own_namespace_only("other")) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "- a",
        "clusterDefault: 5",
        "namespaceDefaults: [a]",
        "clusterDefault: {brokerClasses: x}",
        "clusterDefault: {delivery: {retry: many}}",
    ],
)
def test_bad_content_names_the_key(text: str) -> None:
    with pytest.raises(ValueError, match=KEY):
        parse({KEY: text})
