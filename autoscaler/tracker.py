"""What the autoscaler remembers about one revision between decisions.

Pure: `now` is passed in. Reports go in, decisions come out; the loop says when to decide and tells whom it concerns.
Silence: the data plane reports every second while there is load and once more with zero. So a revision that has pods, or that was
ever heard of, and says nothing for longer than SILENT_AFTER_S has no load, and zeros are written for it. A revision without
pods of which nothing was ever heard has no data, and nothing is decided for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from autoscaler.api.limits import RPS, SCALE_UNKNOWN
from autoscaler.decide import Decision, Load, Spec, State, begin, decide
from autoscaler.target import Measure
from autoscaler.windows import Meter

SILENT_AFTER_S: Final = 2.0
POKE_LOAD: Final = 1.0
HELD_LOAD: Final = 1e-6  # enough for one pod, whatever the target


@dataclass(frozen=True, slots=True)
class Ask:
    """What a revision asks for at present: how many, and by which measure."""

    spec: Spec
    measure: Measure


@dataclass(slots=True)
class Tracker:
    """One revision's load and decisions."""

    concurrency: Meter
    rps: Meter
    state: State
    decision: Decision | None = None
    _heard_at: float | None = None
    _loaded: bool = False
    _poked: bool = False
    _ready: int = 0

    @classmethod
    def meet(cls, measure: Measure, *, running: int, now: float) -> Tracker:
        """Begin. `running`: pods that are known to run, or to have been wanted before we restarted."""
        return cls(_meter(measure), _meter(measure), begin(running, now))

    @property
    def want(self) -> int:
        """SCALE_UNKNOWN before the first decision."""
        return SCALE_UNKNOWN if self.decision is None else self.decision.want

    def report(self, concurrency: float, requests: float, now: float) -> None:
        """Averages of the last second."""
        self._write(concurrency, requests, now)
        self._loaded = concurrency > 0 or requests > 0

    def poke(self, now: float) -> None:
        """The first request after silence: counts as one until the report that contains it.

        It is not written into the windows (as Knative does), for there it would stand for a whole second of load 1 and make
        the burst that it may be the first of look half as large.
        """
        self._poked = True
        self._heard_at = now
        self._loaded = True

    def decide(self, ask: Ask, ready: int, now: float) -> bool:
        """Decide anew. True when the outcome differs in a way that somebody must act on."""
        self._fit(ask.measure)
        self._hear_silence(ready, now)
        averages = self._averages(ask, now)
        load = Load(*averages, ready) if averages is not None else None
        before, self._ready = self.decision, ready
        decision, self.state = decide(ask.spec, self.state, load, now)
        if decision is None:
            return False
        self.decision = decision
        return before is None or _acts_otherwise(before, decision)

    def measured(self, ask: Ask, now: float) -> tuple[float, float]:
        """Stable and panic average of the metric that counts; zeros without data."""
        return self._averages(ask, now) or (0.0, 0.0)

    def settled(self, ready: int) -> bool:
        """Deciding again would change nothing until a report, a poke, or another number of ready pods."""
        if self._loaded or ready != self._ready:
            return False
        if self.decision is None:
            return ready == 0 and self._heard_at is None
        quiet = self.state.panic_at is None and not any(pods for _, pods in self.state.delay)
        return self.decision.want == 0 and quiet

    def _averages(self, ask: Ask, now: float) -> tuple[float, float] | None:
        meter = self.rps if ask.measure.metric == RPS else self.concurrency
        averages = meter.averages(now)
        # `rps` counts arrivals only: requests that still wait or run when none arrive any more are demand for a pod all the
        # same.
        least = POKE_LOAD if self._poked else HELD_LOAD if self._loaded else 0.0
        if not least:
            return averages
        stable, panic = averages or (0.0, 0.0)
        return max(stable, least), max(panic, least)

    def _write(self, concurrency: float, requests: float, now: float) -> None:
        self.concurrency.record(concurrency, now)
        self.rps.record(requests, now)
        self._heard_at = now
        self._poked = False

    def _hear_silence(self, ready: int, now: float) -> None:
        if self._heard_at is None:
            if ready > 0:
                self._write(0.0, 0.0, now)
        elif now - self._heard_at > SILENT_AFTER_S:
            self._loaded = self._poked = False
            self.concurrency.record(0.0, now)
            self.rps.record(0.0, now)

    def _fit(self, measure: Measure) -> None:
        shape = measure.stable_s, measure.panic_percent
        self.concurrency = self.concurrency.resized(*shape, weighted=measure.weighted)
        self.rps = self.rps.resized(*shape, weighted=measure.weighted)


def _meter(measure: Measure) -> Meter:
    return Meter.of(measure.stable_s, measure.panic_percent, weighted=measure.weighted)


def _acts_otherwise(before: Decision, after: Decision) -> bool:
    return (
        before.want != after.want
        or before.mode != after.mode
        or (before.spare < 0) != (after.spare < 0)
    )
