"""A trigger's conditions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventing.api import trigger_lifecycle as lifecycle
from eventing.api.trigger_types import Trigger
from tanebi.api.meta import ConditionView

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ready", "status", "reason"),
    [
        (None, "Unknown", "BrokerNotConfigured"),
        (ConditionView(type="Ready", status="True"), "True", None),
        (ConditionView(type="Ready", status="False", reason="R", message="m"), "False", "R"),
        (ConditionView(type="Ready", status="Unknown", reason="U"), "Unknown", "U"),
    ],
)
def test_the_brokers_ready_is_passed_on(
    ready: ConditionView | None, status: str, reason: str | None
) -> None:
    conditions = lifecycle.begin(Trigger(), NOW)
    lifecycle.propagate_broker(conditions, ready)
    found = conditions.get(lifecycle.BROKER_READY)
    assert found is not None
    assert (found["status"], found.get("reason")) == (status, reason)


def test_a_missing_broker_makes_it_not_ready() -> None:
    conditions = lifecycle.begin(Trigger(), NOW)
    lifecycle.mark_broker_missing(conditions, "b")
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "BrokerDoesNotExist")
    assert ready["message"] == 'Broker "b" does not exist'


def test_all_marks_together_make_it_ready() -> None:
    conditions = lifecycle.begin(Trigger(), NOW)
    lifecycle.propagate_broker(conditions, ConditionView(type="Ready", status="True"))
    lifecycle.mark_subscribed(conditions)
    lifecycle.mark_subscriber_resolved(conditions)
    lifecycle.mark_dead_letter_sink_not_configured(conditions)
    lifecycle.mark_identity_disabled(conditions)
    assert conditions.status("Ready") == "Unknown"
    lifecycle.mark_dependency_ready(conditions)
    assert conditions.status("Ready") == "True"
    lifecycle.mark_dependency_stale(conditions, 2, 1)
    assert conditions.status("Ready") == "Unknown"
