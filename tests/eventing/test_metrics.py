"""Series come and go with triggers."""

from __future__ import annotations

from eventing.metrics import forget, meters
from tanebi.base.metrics import exposition


def series() -> list[str]:
    return [line for line in exposition()[1].decode().splitlines() if 'trigger="m-test"' in line]


def test_a_triggers_series() -> None:
    found = meters("ns", "m-test", lambda: 42)
    found.delivered.inc()
    lines = series()
    assert 'tanebi_trigger_backlog_events{namespace="ns",trigger="m-test"} 42.0' in lines
    assert 'tanebi_trigger_events_delivered_total{namespace="ns",trigger="m-test"} 1.0' in lines
    forget("ns", "m-test")
    assert series() == []
