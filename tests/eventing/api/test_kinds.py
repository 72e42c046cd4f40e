"""What the API server is told of our kinds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventing.api import CONFIGS, KINDS
from eventing.api.kinds import BROKER, TRIGGER
from eventing.api.names import BROKER_CLASS
from tanebi.api.kind import AnyKind


def test_what_is_exported() -> None:
    assert KINDS == (BROKER, TRIGGER)
    assert [c.name for c in CONFIGS] == ["config-br-defaults", "config-features"]
    assert {c.namespace for c in CONFIGS} == {"knative-eventing"}


@pytest.mark.parametrize(
    ("kind", "resource", "columns"),
    [
        (BROKER, "brokers.eventing.knative.dev", ["URL", "Age", "Ready", "Reason", "Class"]),
        (
            TRIGGER,
            "triggers.eventing.knative.dev",
            ["Broker", "Subscriber_URI", "Age", "Ready", "Reason"],
        ),
    ],
)
def test_names_and_columns(kind: AnyKind, resource: str, columns: list[str]) -> None:
    assert kind.resource == resource
    assert [c.name for c in kind.columns] == columns
    assert kind.categories == ("all", "knative", "eventing")
    assert kind.webhook == "validation.webhook.eventing.knative.dev"


def test_the_class_column() -> None:
    cell = BROKER.columns[-1].cell
    assert cell is not None
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert cell({"metadata": {"annotations": {BROKER_CLASS: "Kafka"}}}, now) == "Kafka"
    assert cell({}, now) == ""
