"""Rules for a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eventing.api.broker_types import Broker
from eventing.api.broker_validation import validate_broker
from eventing.api.names import BROKER_CLASS, OUR_CLASS
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission

Make = Callable[..., Admission]
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "x"}


def broker(cls: str = OUR_CLASS, **spec: Any) -> Broker:
    meta = {"name": "b", "namespace": "shop", "annotations": {BROKER_CLASS: cls}}
    return Broker.model_validate({"metadata": meta, "spec": spec})


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (broker(config=CONFIG), ""),
        (broker(""), "missing field(s): eventing.knative.dev/broker.class"),
        (
            broker(config={"kind": "ConfigMap"}),
            "missing field(s): spec.config.apiVersion, spec.config.name",
        ),
        (broker(delivery={"retry": -1}), "invalid value: -1: spec.delivery.retry"),
    ],
)
def test_rules(admission: Make, made: Broker, text: str) -> None:
    assert render(validate_broker(made, None, admission())) == text


def test_a_namespace_may_keep_configs_at_home(admission: Make) -> None:
    data = {
        "default-br-config": "namespaceDefaults: {shop: {disallowDifferentNamespaceConfig: true}}"
    }
    found = validate_broker(broker(config=CONFIG), None, admission(config_br_defaults=data))
    assert render(found).startswith("mismatched namespaces: spec.config.namespace")


def test_only_delivery_may_change(admission: Make) -> None:
    old = broker(config=CONFIG, delivery={"retry": 1})
    assert validate_broker(broker(config=CONFIG, delivery={"retry": 2}), old, admission()) == []
    changed = render(validate_broker(broker(config={**CONFIG, "name": "d"}), old, admission()))
    assert changed.startswith("Immutable fields changed (-old +new): spec\n")
    assert "-: " in changed
    assert "+: " in changed


def test_the_class_never_changes(admission: Make) -> None:
    text = render(validate_broker(broker("Kafka"), broker(), admission()))
    assert text == (
        "Immutable annotations changed (-old +new): annotations\n"
        '{string}:\n\t-: "MTChannelBasedBroker"\n\t+: "Kafka"\n'
    )
