import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.durations import format_go, human_age, parse_go, parse_iso


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("90s", 90.0),
        ("1m30s", 90.0),
        ("1h", 3600.0),
        ("1.5h", 5400.0),
        ("200ms", 0.2),
        (".5s", 0.5),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("-10s", -10.0),
        ("+3s", 3.0),
    ],
)
def test_go_durations_are_read(text: str, seconds: float) -> None:
    assert parse_go(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "10", "1 s", "1s2", "one", "--1s", "1d", "-"])
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_go(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (60, "1m0s"),
        (90, "1m30s"),
        (3600, "1h0m0s"),
        (0.2, "200ms"),
        (1.5, "1.5s"),
        (1e-6, "1µs"),
        (-3, "-3s"),
        (100 * 3600, "100h0m0s"),
    ],
)
def test_go_durations_are_written(seconds: float, text: str) -> None:
    assert format_go(seconds) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_milliseconds_survive_the_round_trip(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_go(format_go(seconds)) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0.2S", 0.2),
        ("PT10S", 10),
        ("PT1M", 60),
        ("P1DT1H", 90000),
        ("P2W", 1209600),
        ("PT1M1S", 61),
    ],
)
def test_iso_durations_are_read(text: str, seconds: float) -> None:
    assert parse_iso(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "10s", "P1Y", "PT-1S", "1H"])
def test_bad_iso_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid ISO 8601 duration"):
        parse_iso(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (192, "3m12s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 + 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (99 * 3600, "4d3h"),
        (8 * 86400, "8d"),
        (700 * 86400, "700d"),
        (745 * 86400, "2y15d"),
        (3000 * 86400, "8y"),
    ],
)
def test_ages_look_as_kubectl_shows_them(seconds: int, text: str) -> None:
    assert human_age(seconds) == text
