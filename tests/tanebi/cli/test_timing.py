from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tanebi.cli.timing import age, human_duration, monotonic, parse_timeout, pause, wall


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (599, "9m59s"), (600, "10m"),
        (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (3 * 3600 + 600, "3h10m"), (8 * 3600, "8h"),
        (47 * 3600, "47h"), (48 * 3600, "2d"), (52 * 3600, "2d4h"), (8 * 86400, "8d"), (400 * 86400, "400d"),
    ],
)  # fmt: skip
def test_ages_are_written_as_kubectl_does(seconds: float, want: str) -> None:
    assert human_duration(seconds) == want


def test_age_of_a_stamp() -> None:
    now = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert age("2026-01-01T00:00:15Z", now) == "45s"
    assert age("2026-01-01T00:00:15.123456Z", now) == "44s"
    assert age(None, now) == "<unknown>"


@pytest.mark.parametrize(
    ("text", "want"), [("90", 90), ("90s", 90), ("1m30s", 90), ("2h", 7200), ("0.5s", 0.5)]
)
def test_durations(text: str, want: float) -> None:
    assert parse_timeout(text) == want


@pytest.mark.parametrize("text", ["", "s", "1x", "soon", "1m30", "-1s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_timeout(text)


def test_the_clocks_go_forward() -> None:
    before = monotonic()
    pause(0.001)
    assert monotonic() > before
    assert wall().tzinfo is UTC
