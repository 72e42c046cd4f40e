"""A small report, whole, and the rules that it keeps."""

from __future__ import annotations

from array import array

import pytest

from tanebi.simulate.report import chart, render, seconds
from tanebi.simulate.result import Result, Samples
from tanebi.simulate.scaler import Change


def small(name: str) -> Result:
    ready = array("q", [0, 1, 2, 1])
    none = array("q", [0, 0, 0, 0])
    return Result(
        name,
        arrivals=2,
        answered=2,
        wakes=1,
        ended_at=4.0,
        pod_seconds=4.0,
        latencies=array("d", [0.1, 1.5]),
        samples=Samples(none, none, none, ready, ready),
        changes=[
            Change(3723.46, 0, 2, "stable", "two are needed"),
            Change(3724, 2, 1, "stable", "x"),
        ],
    )


def test_a_small_report() -> None:
    text = render("head", [small("one")], changes_max=1)
    lines = text.splitlines()
    assert lines[:4] == [
        "head",
        "",
        "requests                        2",
        "answered                        2",
    ]
    assert lines[-10:] == [
        "pods ready",
        "      2 │  █",
        "        │  █",
        "        │ ███",
        "      0 │ ███",
        "        └0s4s",
        "",
        "changes",
        "  1:02:03.5  0 → 2      two are needed",
        "… and 1 more: --all shows them",
    ]
    assert "requests a second" not in text  # nothing to draw


def test_two_side_by_side() -> None:
    text = render("head", [small("a"), small("b")])
    lines = text.splitlines()
    assert lines[2].split() == ["a", "b"]
    assert lines[3].split() == ["requests", "2", "2"]
    assert "changes · a" in lines
    assert "changes · b" in lines


def test_pods_that_never_changed() -> None:
    still = small("a")
    still.changes = []
    assert "pods never changed" in render("head", [still])


def test_what_is_more_than_nothing_shows() -> None:
    assert list(chart([0, 1, 1000], 1000))[-1].endswith("│ ▁█")


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "-"), (0.0123, "12 ms"), (1, "1.00 s"), (61.5, "61.50 s")]
)
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown
