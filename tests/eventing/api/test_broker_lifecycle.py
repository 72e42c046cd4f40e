"""A broker's conditions."""

from __future__ import annotations

from datetime import UTC, datetime

from eventing.api import broker_lifecycle as lifecycle
from eventing.api.broker_types import Broker

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_ready_needs_every_dependent() -> None:
    conditions = lifecycle.begin(Broker(), NOW)
    lifecycle.mark_serving(conditions)
    assert conditions.status("Ready") == "Unknown"
    lifecycle.mark_policies(conditions, "allow-all")
    assert conditions.status("Ready") == "True"


def test_a_sink_that_cannot_be_resolved_does_not_make_it_unready() -> None:
    conditions = lifecycle.begin(Broker(), NOW)
    lifecycle.mark_serving(conditions)
    lifecycle.mark_policies(conditions, "allow-all")
    lifecycle.mark_dead_letter_sink_failed(conditions, "not found")
    assert conditions.status("Ready") == "True"
    assert conditions.status(lifecycle.DEAD_LETTER_SINK) == "False"
    lifecycle.mark_dead_letter_sink_resolved(conditions)
    assert conditions.status(lifecycle.DEAD_LETTER_SINK) == "True"
