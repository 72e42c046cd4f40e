"""Knative's algorithm step by step (reference/knative-serving.md §3.2), then what must hold for any input."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide import (
    Decision,
    Load,
    Spec,
    State,
    begin,
    decide,
    initial_spare,
    record_peak,
    spare_burst,
)

SPEC = Spec(
    target=10.0,
    total=10.0,
    up_rate=10.0,
    down_rate=10.0,
    panic_threshold=2.0,
    stable_window_s=60.0,
    burst=0.0,
)
NOW = 1000.0


def step(
    spec: Spec,
    stable: float,
    panic: float,
    ready: int,
    state: State | None = None,
    now: float = NOW,
) -> tuple[Decision, State]:
    decision, after = decide(spec, state or State(), Load(stable, panic, ready), now)
    assert decision is not None
    return decision, after


def want(spec: Spec, stable: float, panic: float, ready: int) -> int:
    return step(spec, stable, panic, ready)[0].want


def test_no_data_decides_nothing_and_forgets_nothing() -> None:
    state = State(NOW - 1, 7, ((3, 4),))
    assert decide(SPEC, state, None, NOW) == (None, state)


@pytest.mark.parametrize(
    ("stable", "panic", "ready", "expected"),
    [
        (0, 0, 0, 0),
        (0, 0, 1, 0),
        (0.001, 0, 0, 1),  # anything at all wants a pod
        (10, 10, 1, 1),
        (10.001, 10.001, 2, 2),
        (50, 50, 5, 5),
        (95, 95, 9, 10),
        (100, 19, 10, 10),
        (20, 20, 10, 2),
        (0, 0, 100, 10),  # no faster down than a tenth of the ready ones
        (0, 0, 19, 1),  # floor(19/10)
        (0, 0, 9, 0),
        (1000, 1000, 1, 10),  # no faster up than ten times the ready ones
        (1000, 1000, 0, 10),  # no pods count as one
        (1000, 1000, 3, 30),
    ],
)
def test_following_the_load(stable: float, panic: float, ready: int, expected: int) -> None:
    assert want(SPEC, stable, panic, ready) == expected


@pytest.mark.parametrize(
    ("up_rate", "ready", "expected"), [(1.5, 1, 2), (1.5, 3, 5), (10, 2, 20), (1000, 0, 100)]
)
def test_rate_of_scaling_up_is_rounded_up(up_rate: float, ready: int, expected: int) -> None:
    assert want(replace(SPEC, up_rate=up_rate), 1000, 1000, ready) == expected


@pytest.mark.parametrize(("down_rate", "ready", "expected"), [(2, 5, 2), (1.5, 10, 6), (10, 9, 0)])
def test_rate_of_scaling_down_is_rounded_down(down_rate: float, ready: int, expected: int) -> None:
    assert want(replace(SPEC, down_rate=down_rate), 0, 0, ready) == expected


def test_an_unreachable_revision_may_fall_at_once() -> None:
    assert want(replace(SPEC, reachable=False), 0, 0, 100) == 0


@pytest.mark.parametrize(
    ("activation", "stable", "panic", "ready", "expected"),
    [
        (1, 5, 5, 0, 1),
        (3, 5, 5, 0, 3),
        (3, 0, 0, 0, 0),  # zero stays zero
        (3, 45, 45, 5, 5),  # already more
        (3, 5, 0, 1, 3),  # each window for itself
        (20, 5, 5, 1, 20),  # it may exceed the rate limit
    ],
)
def test_activation_scale(
    activation: int, stable: float, panic: float, ready: int, expected: int
) -> None:
    assert want(replace(SPEC, activation=activation), stable, panic, ready) == expected


@pytest.mark.parametrize(
    ("panic", "ready", "panics"),
    [
        (19, 1, True),  # needs two, has one: exactly the threshold
        (10, 1, False),
        (100, 5, True),
        (90, 5, False),
        (10, 0, False),  # no pods count as one
        (11, 0, True),
        (200, 100, False),
    ],
)
def test_panic_begins_at_the_threshold(panic: float, ready: int, panics: bool) -> None:
    decision, state = step(SPEC, 10, panic, ready)
    assert (decision.mode == "panic") is panics
    assert (state.panic_at == NOW) is panics


def test_panic_compares_what_is_needed_before_any_rate_limit() -> None:
    spec = replace(SPEC, up_rate=1.5, panic_threshold=10.0)
    decision, _ = step(spec, 0, 100, 1)
    assert (decision.mode, decision.want) == ("panic", 2)


def test_while_panicking_pods_only_rise() -> None:
    decision, state = step(SPEC, 10, 100, 5)
    assert (decision.want, decision.mode) == (10, "panic")
    decision, state = step(SPEC, 10, 10, 10, state, NOW + 2)
    assert (decision.want, decision.mode) == (10, "panic")
    decision, state = step(SPEC, 10, 150, 10, state, NOW + 4)
    assert decision.want == 15


def test_panic_ends_one_stable_window_after_it_was_last_needed() -> None:
    _, state = step(SPEC, 10, 100, 5)
    _, state = step(SPEC, 10, 400, 10, state, NOW + 10)  # extends
    assert state.panic_at == NOW + 10
    decision, state = step(SPEC, 10, 10, 40, state, NOW + 70)  # exactly a window: not yet
    assert (decision.mode, decision.want) == ("panic", 40)
    decision, state = step(SPEC, 10, 10, 40, state, NOW + 70.1)
    assert (decision.mode, decision.want) == ("stable", 4)
    assert (state.panic_at, state.panic_peak) == (None, 0)


def test_panic_never_wants_less_than_the_stable_window_does() -> None:
    assert want(SPEC, 100, 20, 1) == 10


def test_beginning_with_several_pods_panics() -> None:
    assert begin(0, NOW) == begin(1, NOW) == State()
    state = begin(4, NOW)
    decision, state = step(SPEC, 1, 1, 4, state, NOW + 2)
    assert (decision.want, decision.mode) == (4, "panic")
    decision, _ = step(SPEC, 1, 1, 4, state, NOW + 61)
    assert (decision.want, decision.mode) == (1, "stable")


def test_fewer_pods_must_have_sufficed_for_the_delay() -> None:
    spec = replace(SPEC, down_delay_s=10.0, panic_threshold=10.0)
    decision, state = step(spec, 50, 50, 5)
    for later in (2, 4, 6, 8):
        decision, state = step(spec, 20, 20, 5, state, NOW + later)
        assert decision.want == 5, later
    decision, state = step(spec, 20, 20, 5, state, NOW + 10)
    assert decision.want == 2
    decision, _ = step(spec, 70, 70, 5, state, NOW + 12)  # up at once
    assert decision.want == 7


def test_the_delay_holds_on_the_way_to_zero_and_not_for_the_unreachable() -> None:
    spec = replace(SPEC, down_delay_s=10.0)
    _, state = step(spec, 10, 10, 1)
    assert step(spec, 0, 0, 1, state, NOW + 8)[0].want == 1
    assert step(spec, 0, 0, 1, state, NOW + 10)[0].want == 0
    unreachable = replace(spec, reachable=False)
    decision, after = step(unreachable, 0, 0, 1, state, NOW + 2)
    assert (decision.want, after.delay) == (0, ())


def test_peaks_stay_few() -> None:
    peaks = record_peak((), 5, 10, 0)
    peaks = record_peak(peaks, 3, 10, 2)
    peaks = record_peak(peaks, 4, 10, 4)
    assert [value for _, value in peaks] == [5, 4]
    assert record_peak(peaks, 1, 10, 10)[0][1] == 4


@pytest.mark.parametrize(
    ("burst", "total", "ready", "panic", "expected"),
    [
        (0, 100, 5, 900, 0),
        (-1, 100, 5, 0, -1),
        (211, 100, 1, 0, -111),
        (211, 100, 3, 0, 89),
        (211, 100, 3, 89.5, -1),
        (10, 10, 0, 0, -10),
    ],
)
def test_spare_burst(burst: float, total: float, ready: int, panic: float, expected: int) -> None:
    assert spare_burst(replace(SPEC, burst=burst, total=total), Load(0, panic, ready)) == expected


@pytest.mark.parametrize(
    ("burst", "scale", "expected"), [(0, 3, 0), (-1, 3, -1), (211, 1, -201), (15, 2, 5)]
)
def test_spare_burst_before_the_first_measurement(burst: float, scale: int, expected: int) -> None:
    assert initial_spare(replace(SPEC, burst=burst), scale) == expected


@pytest.mark.parametrize(
    ("spec", "load", "expected"),
    [
        (SPEC, Load(5, 5, 1), "5.00 at once over 60 s at 10 a pod needs 1 pod"),
        (SPEC, Load(0, 0, 100), "the rate of scaling down keeps 10 pods"),
        (SPEC, Load(0, 0, 10), "the rate of scaling down keeps 1 pod"),
        (SPEC, Load(1000, 10, 1), "the rate of scaling up allows 10 pods now"),
        (replace(SPEC, activation=3), Load(5, 5, 1), "activation-scale keeps 3 pods"),
        (
            SPEC,
            Load(10, 100, 1),
            "panic: 100.00 at once in the short window, 1 ready; no fewer than 10 pods for 60 s",
        ),
    ],
)
def test_every_decision_says_why(spec: Spec, load: Load, expected: str) -> None:
    decision, _ = decide(spec, State(), load, NOW)
    assert decision is not None
    assert decision.why[0] == expected


def test_the_delay_says_so() -> None:
    spec = replace(SPEC, down_delay_s=10.0)
    _, state = step(spec, 15, 15, 2)
    assert step(spec, 0, 0, 1, state, NOW + 2)[0].why[0] == "scale-down-delay 10 s keeps 2 pods"


amounts = st.floats(0, 1e5)
specs = st.builds(
    Spec,
    target=st.floats(0.01, 1000),
    total=st.floats(0.01, 1000),
    up_rate=st.floats(1.001, 1000),
    down_rate=st.floats(1.001, 100),
    panic_threshold=st.floats(1.1, 10),
    stable_window_s=st.floats(6, 3600),
    activation=st.integers(1, 50),
    burst=st.one_of(st.just(-1.0), st.floats(0, 1000)),
    reachable=st.booleans(),
    down_delay_s=st.sampled_from([0.0, 2.0, 30.0]),
)
loads = st.builds(Load, stable=amounts, panic=amounts, ready=st.integers(0, 500))
states = st.one_of(
    st.just(State()),
    st.builds(
        State,
        panic_at=st.floats(NOW - 4000, NOW),
        panic_peak=st.integers(0, 500),
        delay=st.just(()),
    ),
)


@given(specs, states, loads, amounts, amounts)
def test_more_load_never_wants_less(
    spec: Spec, state: State, load: Load, stable: float, panic: float
) -> None:
    more = Load(load.stable + stable, load.panic + panic, load.ready)
    first, _ = decide(spec, state, load, NOW)
    second, _ = decide(spec, state, more, NOW)
    assert first is not None
    assert second is not None
    assert second.want >= first.want


@given(specs, states, loads)
def test_never_outside_the_rate_limits(spec: Spec, state: State, load: Load) -> None:
    decision, after = decide(spec, state, load, NOW)
    assert decision is not None
    ready = max(1, load.ready)
    most = max(math.ceil(spec.up_rate * ready), spec.activation, after.panic_peak)
    least = math.floor(ready / spec.down_rate) if spec.reachable else 0
    assert min(least, most) <= decision.want <= most


@given(specs, st.lists(loads, min_size=1, max_size=30))
def test_never_below_the_peak_while_panicking(spec: Spec, steps: list[Load]) -> None:
    state, peak = State(), 0
    for i, load in enumerate(steps):
        decision, state = decide(spec, state, load, NOW + 2 * i)
        assert decision is not None
        if decision.mode == "stable":
            peak = 0
        else:
            assert decision.want >= peak
            peak = state.panic_peak
        assert decision.why


@given(specs, st.lists(loads, min_size=1, max_size=20), st.integers(1, 20))
def test_a_state_is_all_that_a_restart_needs(spec: Spec, steps: list[Load], cut: int) -> None:
    def run(state: State, loads: list[Load], begins: int) -> tuple[list[int], State]:
        wants = []
        for i, load in enumerate(loads):
            decision, state = decide(spec, state, load, NOW + 2 * (begins + i))
            assert decision is not None
            wants.append(decision.want)
        return wants, state

    whole, _ = run(State(), steps, 0)
    head, state = run(State(), steps[:cut], 0)
    tail, _ = run(replace(state), steps[cut:], cut)
    assert head + tail == whole
