"""Generators keep their rates, traces are read or refused with their line, and a seed repeats itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.simulate.distribution import parse_distribution
from tanebi.simulate.traffic import Traffic, generate, read_trace, traffic_rng

TENTH = parse_distribution("100ms")


def made(text: str, duration_s: float = 600, seed: int = 1) -> Traffic:
    return generate(text, duration_s, TENTH, traffic_rng(seed))


def rate(traffic: Traffic, begin: float, end: float) -> float:
    return sum(begin <= at < end for at in traffic.at) / (end - begin)


@pytest.mark.parametrize(
    ("text", "begin", "end", "expected"),
    [
        ("step:low=2,high=20,at=100s", 0, 100, 2),
        ("step:low=2,high=20,at=100s", 100, 600, 20),
        ("step:low=1,high=4", 200, 600, 4),  # after a third
        ("ramp:low=0,high=60", 0, 600, 30),
        ("ramp:low=0,high=60", 0, 60, 3),
        ("ramp:low=60,high=0", 540, 600, 3),
        ("spike:low=1,high=50,at=300s,for=20s", 300, 320, 50),
        ("spike:low=1,high=50,at=300s,for=20s", 320, 600, 1),
        ("spike:low=1,high=50", 0, 300, 1),
        ("diurnal:low=0,high=40,period=10m", 0, 600, 20),
        ("diurnal:low=10,high=40,period=10m", 290, 310, 40),
    ],
)
def test_evenly_spaced_arrivals_keep_the_rate(
    text: str, begin: float, end: float, expected: float
) -> None:
    assert rate(made(text), begin, end) == pytest.approx(expected, abs=max(0.05, expected * 0.02))


@pytest.mark.parametrize("text", ["poisson:rate=20", "step:low=20,high=20,random=1"])
def test_random_arrivals_keep_the_rate_on_average(text: str) -> None:
    traffic = made(text, 3000)
    assert len(traffic.at) / 3000 == pytest.approx(20, rel=0.03)
    gaps = [b - a for a, b in zip(traffic.at, list(traffic.at)[1:], strict=False)]
    spread = sum((gap - 0.05) ** 2 for gap in gaps) / len(gaps)
    assert spread == pytest.approx(0.05**2, rel=0.1)  # exponential: deviation = mean


@pytest.mark.parametrize(
    ("text", "duration_s", "says"),
    [
        ("flood", 60, "no generator 'flood'"),
        ("poisson:low=1", 60, "poisson knows rate="),
        ("step:low", 60, "not 'low'"),
        ("poisson:rate=-1", 60, "out of range"),
        ("poisson:rate=nan", 60, "out of range"),
        ("poisson:rate=x", 60, "could not convert"),
        ("diurnal:period=0s", 60, "out of range"),
        ("poisson", 0, "duration"),
        ("poisson", 1e9, "duration"),
        ("poisson:rate=1e12", 60, "more than"),
    ],
)
def test_nonsense_is_refused(
    text: str, duration_s: float, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tanebi.simulate.traffic.REQUESTS_MAX", 1000)
    with pytest.raises(ValueError, match=says):
        made(text, duration_s)


@settings(max_examples=30)
@given(
    st.sampled_from(["poisson", "step", "ramp", "spike:random=1", "diurnal:period=20s"]),
    st.integers(1, 100),
    st.integers(0, 5),
)
def test_arrivals_are_ordered_inside_the_duration_and_repeatable(
    text: str, duration_s: int, seed: int
) -> None:
    traffic = made(text, duration_s, seed)
    assert list(traffic.at) == sorted(traffic.at)
    assert all(0 <= at <= duration_s for at in traffic.at)
    assert len(traffic.service) == len(traffic.at)
    assert made(text, duration_s, seed) == traffic


def test_a_trace() -> None:
    text = "arrival,duration\n# a comment\n2.5,0.2\n\n1.0\n3,\n"
    traffic = read_trace(text.splitlines(), "t.csv", TENTH, traffic_rng(0))
    assert list(traffic.at) == [1.0, 2.5, 3.0]
    assert list(traffic.service) == [0.1, 0.2, 0.1]
    assert traffic.duration_s == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no arrivals"),
        ("at,took\n", "no arrivals"),
        ("1,0.1\nsoon,0.1", "line 2"),
        ("1,0.1\n-2,0.1", "line 2"),
        ("1,nan", "line 1"),
        ("1,0.1,\n1,x7", "line 2"),
    ],
)
def test_a_bad_trace_names_its_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_trace(text.splitlines(), "t.csv", TENTH, traffic_rng(0))
