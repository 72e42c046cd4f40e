"""What admission adds to a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from eventing.api.broker_defaults import default_broker
from eventing.api.names import BROKER_CLASS, OUR_CLASS
from tanebi.api.kind import Admission

Make = Callable[..., Admission]
SHIPPED = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "name": "config-br-default-channel",
    "namespace": "knative-eventing",
}
TRYING = {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}


def broker(spec: dict[str, Any] | None = None, **annotations: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "default", "namespace": "shop"}
    if annotations:
        meta["annotations"] = {BROKER_CLASS: annotations["cls"]}
    return {"metadata": meta} if spec is None else {"metadata": meta, "spec": spec}


def test_an_empty_broker(admission: Make) -> None:
    found = default_broker(broker(), None, admission())
    assert found["metadata"]["annotations"] == {BROKER_CLASS: OUR_CLASS}
    assert found["spec"] == {"config": SHIPPED, "delivery": TRYING}


def test_what_is_said_stays(admission: Make) -> None:
    spec = {
        "config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine"},
        "delivery": {"retry": 1, "deadLetterSink": {"ref": {"kind": "Service", "name": "s"}}},
    }
    found = default_broker(broker(spec, cls="Kafka"), None, admission())
    assert found["metadata"]["annotations"] == {BROKER_CLASS: "Kafka"}
    assert found["spec"]["config"]["namespace"] == "shop"
    assert found["spec"]["delivery"]["retry"] == 1
    assert found["spec"]["delivery"]["deadLetterSink"]["ref"]["namespace"] == "shop"


def test_twice_is_once(admission: Make) -> None:
    once = default_broker(broker(), None, admission())
    assert default_broker(yaml.safe_load(yaml.safe_dump(once)), once, admission()) == once


def test_defaults_are_not_shared_between_brokers(admission: Make) -> None:
    settings = admission()
    first = default_broker(broker(), None, settings)
    first["spec"]["delivery"]["retry"] = 99
    assert default_broker(broker(), None, settings)["spec"]["delivery"] == TRYING


def test_a_namespace_may_have_its_own(admission: Make) -> None:
    text = yaml.safe_dump(
        {
            "clusterDefault": {"brokerClass": OUR_CLASS, **SHIPPED},
            "namespaceDefaults": {
                "shop": {
                    "brokerClass": "Kafka",
                    "kind": "ConfigMap",
                    "apiVersion": "v1",
                    "name": "k",
                }
            },
        }
    )
    settings = admission(config_br_defaults={"default-br-config": text})
    found = default_broker(broker(), None, settings)
    assert found["metadata"]["annotations"] == {BROKER_CLASS: "Kafka"}
    assert found["spec"]["config"]["name"] == "k"
    assert "delivery" not in found["spec"]
