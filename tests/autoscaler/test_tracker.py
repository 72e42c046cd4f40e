"""One revision in virtual time: hours in a moment, with pods that take a while to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide import Spec
from autoscaler.target import Measure
from autoscaler.tracker import Ask, Tracker

SPEC = Spec(
    target=7.0,
    total=10.0,
    up_rate=1000.0,
    down_rate=2.0,
    panic_threshold=2.0,
    stable_window_s=60.0,
    burst=211.0,
)
ASK = Ask(SPEC, Measure("concurrency", 60, 10.0, weighted=False))
T0 = 1000.0


@dataclass
class Simulation:
    """A revision whose pods come and go as decided, `start_s` after they are asked for."""

    load: Callable[[float], float]
    start_s: float = 1.0
    now: float = T0
    ready: int = 0
    wants: dict[float, int] = field(default_factory=dict)
    modes: set[str] = field(default_factory=set)
    _coming: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker = Tracker.meet(ASK.measure, running=0, now=self.now)
        self._decide_at = T0 + 2
        self._reporting = False

    def until(self, end_s: float) -> Simulation:
        """Play up to `end_s` seconds after the beginning."""
        while self.now < T0 + end_s:
            self._second()
        return self

    def want_at(self, second: float) -> int:
        """The last decision that was taken by then; -1 before the first."""
        known = [at for at in self.wants if at <= T0 + second]
        return self.wants[max(known)] if known else -1

    def _second(self) -> None:
        load = self.load(self.now - T0)
        if load > 0 and not self._reporting:
            self.tracker.poke(self.now)
            self._reporting = True
            self._decide()
        self.now += 1
        while self._coming and self._coming[0][0] <= self.now:
            self.ready = self._coming.pop(0)[1]
        if self._reporting:
            self.tracker.report(load, load, self.now)
            self._reporting = load > 0
            if self.ready == 0:
                self._decide()
        if self.now >= self._decide_at:
            self._decide_at = self.now + 2
            self._decide()

    def _decide(self) -> None:
        changed = self.tracker.decide(ASK, self.ready, self.now)
        decision = self.tracker.decision
        if decision is None:
            return
        self.wants[self.now] = decision.want
        self.modes.add(decision.mode)
        if changed:
            delay = self.start_s if decision.want > self.ready else 0.0
            self._coming = [(self.now + delay, decision.want)]


def test_nobody_ever_called() -> None:
    simulation = Simulation(lambda t: 0.0).until(3600)
    assert simulation.wants == {}
    assert simulation.tracker.settled(0)


def test_a_step_is_followed_within_seconds_and_silence_leads_to_zero() -> None:
    simulation = Simulation(lambda t: 70.0 if 10 <= t < 310 else 0.0).until(3600)
    assert simulation.want_at(9) == -1
    assert simulation.want_at(10) == 1  # at once, by the poke
    assert simulation.want_at(12) >= 10  # the burst's size, with the first report
    assert simulation.want_at(300) in (10, 11)
    assert simulation.want_at(372) <= 5
    assert simulation.want_at(390) == 0
    assert simulation.ready == 0
    assert simulation.tracker.settled(0)
    assert simulation.modes == {"stable", "panic"}


def test_a_slow_ramp_needs_no_panic_and_no_more_pods_than_the_load() -> None:
    simulation = Simulation(lambda t: t / 10).until(3600)
    for second in range(600, 3600, 60):
        needed = second / 10 / 7
        assert needed - 1 <= simulation.want_at(second) <= needed + 2
    late = {at: want for at, want in simulation.wants.items() if at > T0 + 120}
    assert sorted(late.values()) == list(late.values())  # never down on the way up


def test_a_spike_is_held_for_a_stable_window() -> None:
    simulation = Simulation(lambda t: 7.0 if t < 120 or t > 130 else 140.0).until(400)
    peak = max(simulation.wants.values())
    assert peak >= 15
    assert simulation.want_at(180) == peak
    assert simulation.want_at(260) <= 3


def test_one_request_keeps_one_pod_for_a_stable_window() -> None:
    simulation = Simulation(lambda t: 1.0 if t < 1 else 0.0).until(200)
    assert simulation.want_at(0) == 1
    assert simulation.want_at(58) == 1
    assert simulation.want_at(66) == 0


def test_load_again_right_after_zero_wakes_at_once() -> None:
    simulation = Simulation(lambda t: 7.0 if t < 30 or t >= 100 else 0.0).until(99)
    assert simulation.tracker.want == 0
    simulation.until(101)
    assert simulation.want_at(100) >= 1


def test_a_poke_is_part_of_the_next_report() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    tracker.poke(T0)
    assert tracker.measured(ASK, T0) == (1.0, 1.0)
    tracker.report(1.0, 1.0, T0 + 0.9)
    assert tracker.measured(ASK, T0) == (1.0, 1.0)
    tracker.report(5.0, 5.0, T0 + 1.9)
    assert tracker.measured(ASK, T0 + 1.9) == (3.0, 3.0)


def test_a_poke_that_no_report_follows_is_silence() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    tracker.poke(T0)
    assert tracker.decide(ASK, 0, T0)
    assert tracker.want == 1
    assert tracker.decide(ASK, 0, T0 + 3)
    assert tracker.want == 0


def test_requests_a_second_are_measured_too() -> None:
    ask = Ask(SPEC, Measure("rps", 60, 10.0, weighted=False))
    tracker = Tracker.meet(ask.measure, running=0, now=T0)
    tracker.report(0.1, 70.0, T0)
    assert tracker.decide(ask, 1, T0)
    assert tracker.want == 10


def test_pods_that_run_when_we_begin_are_kept_for_a_stable_window() -> None:
    tracker = Tracker.meet(ASK.measure, running=4, now=T0)
    assert tracker.decide(ASK, 4, T0 + 2)
    assert tracker.want == 4
    for later in range(4, 61, 2):
        tracker.decide(ASK, 4, T0 + later)
        assert tracker.want == 4
    tracker.decide(ASK, 4, T0 + 62)
    assert tracker.want == 2  # and then by halves


def test_no_pods_and_no_report_is_no_data() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    assert not tracker.decide(ASK, 0, T0)
    assert (tracker.decision, tracker.want) == (None, -1)


def test_pods_and_no_report_is_no_load() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    assert not tracker.settled(1)
    assert tracker.decide(ASK, 1, T0)
    assert tracker.want == 0
    assert tracker.settled(1)
    assert not tracker.settled(2)


def test_windows_may_change_while_measuring() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    for i in range(20):
        tracker.report(7.0, 7.0, T0 + i)
    shorter = Ask(SPEC, Measure("concurrency", 6, 100.0, weighted=True))
    tracker.decide(shorter, 1, T0 + 19)
    assert tracker.measured(shorter, T0 + 19)[0] == pytest.approx(7.0, rel=1e-3)


def test_only_what_matters_counts_as_a_change() -> None:
    tracker = Tracker.meet(ASK.measure, running=0, now=T0)
    tracker.report(7.0, 7.0, T0)
    assert tracker.decide(ASK, 1, T0)
    tracker.report(7.0, 7.0, T0 + 1)
    assert not tracker.decide(ASK, 1, T0 + 2)
    assert tracker.decide(ASK, 30, T0 + 4)  # fewer wanted, and burst to spare


@given(st.lists(st.floats(0, 200), min_size=1, max_size=60), st.floats(0.5, 10))
def test_whatever_the_load_silence_ends_at_zero(loads: list[float], start_s: float) -> None:
    def load(t: float) -> float:
        return loads[int(t)] if t < len(loads) else 0.0

    simulation = Simulation(load, start_s=start_s).until(len(loads) + 400)
    assert simulation.tracker.want in (0, -1)
    assert simulation.ready == 0


def test_requests_that_wait_hold_a_pod_though_none_arrives() -> None:
    """With metric rps, arrivals may stop long before the queue is empty."""
    ask = Ask(SPEC, Measure("rps", 60, 10.0, weighted=False))
    tracker = Tracker.meet(ask.measure, running=0, now=T0)
    for second in range(120):
        tracker.report(40.0, 0.0, T0 + second)
    assert tracker.decide(ask, 1, T0 + 120)
    assert tracker.want == 1
    tracker.report(0.0, 0.0, T0 + 121)
    assert tracker.decide(ask, 1, T0 + 121)
    assert tracker.want == 0
