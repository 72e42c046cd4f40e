"""The way to zero: every phase, every clock, every edge; and how the condition Active reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.api.podautoscaler_types import Phase
from autoscaler.target import Bounds
from autoscaler.zero import (
    TRANSITIONS,
    Mark,
    Outcome,
    Timing,
    active_mark,
    pods_to_be_active,
    remaining_s,
    settle,
)

FREE = Bounds(0, 0, 1)
PHASES: tuple[Phase, ...] = ("activating", "active", "inactive")


def timing(
    age: float = 0, *, proxied: float = 1000, retention: float = 0, grace: float = 30
) -> Timing:
    return Timing(age, proxied, 60, 600, grace, retention)


def run(want: int, phase: Phase, clocks: Timing, *, bounds: Bounds = FREE) -> Outcome:
    return settle(want, bounds, phase, clocks, zero_allowed=True)


def test_the_table_is_complete() -> None:
    assert set(TRANSITIONS) == set(itertools.product(PHASES, (False, True)))


@pytest.mark.parametrize("phase", PHASES)
def test_more_than_zero_is_applied_in_any_phase(phase: Phase) -> None:
    assert run(3, phase, timing()) == Outcome(3, apply=True)


@pytest.mark.parametrize("phase", ["active", "inactive"])
def test_without_a_decision_nothing_moves(phase: Phase) -> None:
    outcome = run(-1, phase, timing(10_000), bounds=Bounds(5, 0, 1))
    assert outcome == Outcome(-1, apply=False)


def test_without_a_decision_a_revision_that_starts_gets_its_minimum() -> None:
    assert run(-1, "activating", timing(), bounds=Bounds(5, 0, 1)) == Outcome(5, apply=True)
    assert run(-1, "activating", timing(30)) == Outcome(-1, apply=False, again_s=600)


@pytest.mark.parametrize(
    ("phase", "clocks", "scale", "apply", "again_s"),
    [
        ("activating", timing(0), -1, False, 630),
        ("activating", timing(629), -1, False, 1),
        ("activating", timing(630), 0, True, None),
        ("active", timing(0), 1, True, 60),
        ("active", timing(59), 1, True, 1),
        ("active", timing(60), 0, False, 3),
        # The activator was in the path all along: at once.
        ("inactive", timing(0), 0, True, None),
        ("inactive", timing(0, proxied=10), 0, False, 20),
        ("inactive", timing(29, proxied=29), 0, False, 1),
        ("inactive", timing(30, proxied=0), 0, True, None),
        # Retention holds whatever the activator does.
        ("inactive", timing(0, retention=10), 0, False, 10),
        ("inactive", timing(9, retention=10), 0, False, 1),
        ("inactive", timing(10, retention=10), 0, True, None),
        ("inactive", timing(10, retention=10, proxied=5), 0, False, 25),
        ("inactive", timing(40, retention=90), 0, False, 50),
        ("inactive", timing(90, retention=90, proxied=0), 0, True, None),
    ],
)
def test_wanting_zero(
    phase: Phase, clocks: Timing, scale: int, apply: bool, again_s: float | None
) -> None:
    outcome = run(0, phase, clocks)
    assert (outcome.scale, outcome.apply, outcome.again_s) == (scale, apply, again_s)


@pytest.mark.parametrize("phase", PHASES)
def test_zero_can_be_forbidden(phase: Phase) -> None:
    outcome = settle(0, FREE, phase, timing(10_000), zero_allowed=False)
    assert (outcome.scale, outcome.apply) == (1, True)
    assert "enable-scale-to-zero" in outcome.why


def test_bounds_say_so() -> None:
    assert run(1, "active", timing(), bounds=Bounds(3, 0, 1)).why == (
        "min-scale or initial-scale makes it 3"
    )
    assert run(9, "active", timing(), bounds=Bounds(0, 4, 1)).why == "max-scale makes it 4"


@pytest.mark.parametrize(
    ("bounds", "initialized", "expected"),
    [
        (Bounds(0, 0, 1), False, 1),
        (Bounds(0, 0, 0), False, 0),
        (Bounds(0, 0, 0), True, 1),
        (Bounds(3, 0, 3), False, 3),
        (Bounds(2, 0, 5), False, 5),
        (Bounds(2, 0, 5), True, 2),
    ],
)
def test_pods_to_be_active(bounds: Bounds, initialized: bool, expected: int) -> None:
    assert pods_to_be_active(bounds, initialized=initialized) == expected


@pytest.mark.parametrize(
    ("want", "ready", "needed", "phase", "expected"),
    [
        (0, 5, 1, "active", "inactive"),
        (0, 0, 1, "inactive", "inactive"),
        (0, 0, 1, "activating", "timed-out"),
        (-1, 0, 0, "activating", "inactive"),  # starts with none
        (1, 0, 1, "inactive", "activating"),
        (1, 0, 1, "active", "activating"),
        (3, 1, 2, "active", "activating"),
        (1, 1, 1, "activating", "active"),
        (1, 1, 1, "inactive", "active"),
        (-1, 0, 1, "inactive", None),
        (-1, 0, 1, "activating", "activating"),
        (-1, 0, 1, "active", "activating"),
        (-1, 1, 1, "inactive", None),
        (-1, 1, 1, "activating", "active"),
        (-1, 1, 1, "active", "active"),
    ],
)
def test_active(want: int, ready: int, needed: int, phase: Phase, expected: Mark | None) -> None:
    assert active_mark(want, ready, needed, phase) == expected


seconds = st.floats(0, 5000)
timings = st.builds(Timing, seconds, seconds, seconds, seconds, seconds, seconds)


@given(
    st.integers(-1, 50),
    st.builds(Bounds, st.integers(0, 5), st.sampled_from([0, 5, 9]), st.integers(0, 5)),
    st.sampled_from(PHASES),
    timings,
    st.booleans(),
)
def test_never_outside_the_bounds(
    want: int, bounds: Bounds, phase: Phase, clocks: Timing, zero_allowed: bool
) -> None:
    outcome = settle(want, bounds, phase, clocks, zero_allowed=zero_allowed)
    if outcome.apply:
        assert outcome.scale >= bounds.least
        assert not bounds.most or outcome.scale <= bounds.most
    if outcome.again_s is not None:
        assert outcome.again_s > 0


@given(st.sampled_from(PHASES), timings)
def test_waiting_as_long_as_told_is_enough(phase: Phase, clocks: Timing) -> None:
    left = remaining_s(phase, clocks)
    if left <= 0:
        return
    later = Timing(
        clocks.phase_age_s + left,
        clocks.proxied_s + left,
        clocks.stable_window_s,
        clocks.progress_deadline_s,
        clocks.grace_s,
        clocks.retention_s,
    )
    again = remaining_s(phase, later)
    # Retention and grace run one after the other, so a second wait may follow, never a third.
    assert again <= max(clocks.grace_s, 1e-6)
