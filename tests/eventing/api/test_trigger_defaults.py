"""What admission adds to a trigger."""

from __future__ import annotations

from collections.abc import Callable

from eventing.api.names import BROKER_LABEL
from eventing.api.trigger_defaults import default_namespace, default_trigger
from tanebi.api.kind import Admission


def test_label_filter_and_namespaces(admission: Callable[..., Admission]) -> None:
    obj = {
        "metadata": {"name": "t", "namespace": "shop", "labels": {"a": "b"}},
        "spec": {
            "broker": "default",
            "subscriber": {"ref": {"kind": "Service", "name": "s"}},
            "delivery": {"deadLetterSink": {"ref": {"kind": "Service", "namespace": "x"}}},
        },
    }
    found = default_trigger(obj, None, admission())
    assert found["metadata"]["labels"] == {"a": "b", BROKER_LABEL: "default"}
    assert found["spec"]["filter"] == {}
    assert found["spec"]["subscriber"]["ref"]["namespace"] == "shop"
    assert found["spec"]["delivery"]["deadLetterSink"]["ref"]["namespace"] == "x"


def test_an_unusable_trigger_is_left_to_validation(admission: Callable[..., Admission]) -> None:
    found = default_trigger({"metadata": {}, "spec": {"subscriber": "what"}}, None, admission())
    assert "labels" not in found["metadata"]
    default_namespace(None, "ns")
