from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.schedule import DESCRIPTORS, BadSchedule, BadZone, parse


def times(text: str, zone: str, start: str, count: int) -> list[str]:
    stamp = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [t.strftime("%d %H:%M:%S") for t in islice(parse(text, zone).after(stamp), count)]


@pytest.mark.parametrize(
    ("text", "zone", "want"),
    [
        ("* * * * *", "", ["01 00:01:00", "01 00:02:00"]),
        ("*/20 * * * * *", "", ["01 00:00:20", "01 00:00:40"]),
        ("@hourly", "", ["01 01:00:00", "01 02:00:00"]),
        ("0 9 * * ?", "", ["01 09:00:00", "02 09:00:00"]),
        ("0 9 * * *", "Asia/Tokyo", ["02 00:00:00", "03 00:00:00"]),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "", ["02 00:00:00", "03 00:00:00"]),
        ("TZ=Asia/Tokyo 0 9 * * *", "", ["02 00:00:00", "03 00:00:00"]),
        ("0 0 * * MON-FRI", "", ["02 00:00:00", "05 00:00:00"]),
        ("30 1 1,15 * *", "", ["01 01:30:00", "15 01:30:00"]),
    ],
)
def test_firing_times(text: str, zone: str, want: list[str]) -> None:
    assert times(text, zone, "2026-01-01T00:00:00", 2) == want


def test_a_time_that_spring_skips_runs_right_after_the_gap() -> None:
    """In Berlin 02:00 to 03:00 does not exist on 29 March 2026: 01:00 UTC is 03:00 there."""
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", 2) == [
        "29 01:00:00",
        "30 00:30:00",
    ]


def test_a_time_that_autumn_repeats_runs_once() -> None:
    """02:30 comes twice on 25 October 2026: the first is 00:30 UTC."""
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", 2) == [
        "25 00:30:00",
        "26 01:30:00",
    ]


def test_short_intervals_follow_elapsed_time_through_the_change() -> None:
    found = times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00", 4)
    assert found == ["25 00:30:00", "25 01:00:00", "25 01:30:00", "25 02:00:00"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected 5 or 6 fields"),
        ("* * * *", "expected 5 or 6 fields, found 4"),
        ("* * * * * * *", "found 7"),
        ("61 * * * *", "bad minute"),
        ("* * 31 2 *", "bad day-of-month"),
        ("@every 5s", "unsupported descriptor @every"),
        ("@fortnightly", "unrecognized descriptor"),
        ("a * * * *", "bad minute"),
    ],
)
def test_bad_text_is_named(text: str, says: str) -> None:
    with pytest.raises(BadSchedule, match=says):
        parse(text)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", "Europe/", "x" * 300])
def test_a_bad_zone_is_named(zone: str) -> None:
    with pytest.raises(BadZone, match="unknown time zone"):
        parse("* * * * *", zone)


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_every_descriptor_fires(name: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert next(parse(name).after(start)) > start


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    day=st.integers(0, 364),
)
def test_a_daily_job_runs_once_a_day_whatever_the_zone(
    minute: int, hour: int, zone: str, day: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    first, second, third = islice(parse(f"{minute} {hour} * * *", zone).after(start), 3)
    assert start < first < second < third
    for earlier, later in ((first, second), (second, third)):
        assert timedelta(hours=22) < later - earlier < timedelta(hours=26)
