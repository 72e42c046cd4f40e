"""The histogram of cold starts as a person reads it."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from tanebi.cli.coldstarts import METRIC, Phase, read, section


@pytest.fixture
def scrape() -> list[str]:
    registry = CollectorRegistry()
    found = Histogram(
        METRIC, "x", ("namespace", "revision", "phase"), buckets=(0.01, 0.1, 1), registry=registry
    )
    for seconds in (0.005, 0.005, 0.05, 3.0):
        found.labels("n", "r", "boot").observe(seconds)
    found.labels("n", "r", "route").observe(0.001)
    found.labels("n", "other", "boot").observe(1.0)
    return generate_latest(registry).decode().splitlines()


def test_one_revisions_phases(scrape: list[str]) -> None:
    phases = read(scrape, "n", "r")
    assert set(phases) == {"boot", "route"}
    boot = phases["boot"]
    assert (boot.count, boot.sum_s) == (4, pytest.approx(3.06))
    assert boot.quantile_s(0.25) == pytest.approx(0.005)
    assert boot.quantile_s(0.75) == pytest.approx(0.1)
    assert boot.quantile_s(1.0) == 1  # nothing is known beyond the last bound


def test_it_reads_as_a_table_in_the_order_of_the_phases(scrape: list[str]) -> None:
    lines = list(section(read(scrape, "n", "r")))
    assert lines[:2] == ["", "Cold starts: 4"]
    assert lines[2].split() == ["PHASE", "P50", "P90", "MEAN"]
    assert [line.split()[0] for line in lines[3:]] == ["route", "boot"]
    assert lines[4].split()[-1] == "765.0ms"


def test_a_revision_that_never_woke_has_no_table(scrape: list[str]) -> None:
    assert list(section(read(scrape, "n", "nobody"))) == []
    assert list(section({})) == []


def test_an_empty_histogram() -> None:
    assert Phase().quantile_s(0.5) == 0
