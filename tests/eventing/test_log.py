"""The names of the log. Its behaviour is in tests/contract/test_event_log.py."""

from __future__ import annotations

from eventing.log import Name, Retention


def test_a_new_object_of_the_same_name_is_another() -> None:
    assert Name("ns", "x", "1") != Name("ns", "x", "2")
    assert len({Name("ns", "x", "1"), Name("ns", "x", "2")}) == 2


def test_retention_keeps_events_for_later_reading_but_not_forever() -> None:
    keep = Retention()
    assert 0 < keep.passed_bytes < keep.disk_bytes
    assert 0 < keep.passed_s < keep.dead_s
