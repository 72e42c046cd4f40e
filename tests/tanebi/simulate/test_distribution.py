"""Every form, what is refused, and that a draw is never negative."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.base.rng import system_rng
from tanebi.simulate.distribution import parse_distribution, parse_seconds

FORMS = (
    "100ms",
    "0.1",
    "exp:100ms",
    "uniform:50ms,150ms",
    "normal:100ms,20ms",
    "lognormal:100ms,0",
)


@pytest.mark.parametrize("text", FORMS)
def test_every_form_has_its_middle(text: str) -> None:
    distribution, rng = parse_distribution(text), system_rng(1)
    drawn = [distribution.sample(rng) for _ in range(5000)]
    assert statistics.mean(drawn) == pytest.approx(0.1, rel=0.05)


def test_the_median_of_a_lognormal() -> None:
    distribution, rng = parse_distribution("lognormal:2s,1.5"), system_rng(1)
    drawn = [distribution.sample(rng) for _ in range(5000)]
    assert statistics.median(drawn) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    "text",
    "|fast|exp|exp:|exp:1s,2s|uniform:1s|uniform:2s,1s|gamma:1s,2s|-1s|25h|nan|inf|"
    "lognormal:1s,-1|lognormal:1s,9|lognormal:1s,x|normal:1s,nan".split("|"),
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_distribution(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1.5", 1.5), ("1m30s", 90), ("0", 0), ("24h", 86400)]
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@given(st.sampled_from([*FORMS, "normal:1ms,10s", "lognormal:1s,5"]), st.integers(0, 1000))
def test_no_time_is_negative(text: str, seed: int) -> None:
    assert parse_distribution(text).sample(system_rng(seed)) >= 0
