"""The autoscaler of one revision, without objects: its tracker, its bounds and its way to zero.

Pure: `now` is passed in. What autoscaler.loop and autoscaler.reconcile.podautoscaler do with objects around the same cores
(Tracker, settle, active_mark) is done here with fields, so that a day costs a second. Caller: tanebi.simulate.engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from autoscaler.api.podautoscaler_types import Phase
from autoscaler.decide import Mode
from autoscaler.target import (
    resolve_bounds,
    resolve_measure,
    resolve_retention_s,
    resolve_spec,
    stable_window_s,
)
from autoscaler.tracker import Ask, Tracker
from autoscaler.zero import Mark, Outcome, Timing, active_mark, pods_to_be_active, settle
from tanebi.simulate.setting import Setting

PASSES_MAX: Final = 10
LONG_AGO: Final = -math.inf
AGAIN_MIN_S: Final = 0.001  # a rounding error must not ask for the same moment again
_PHASES: Final[dict[Mark, Phase]] = {
    "active": "active",
    "activating": "activating",
    "inactive": "inactive",
    "timed-out": "inactive",
}


@dataclass(frozen=True, slots=True)
class Change:
    """The number of pods asked for changed, and why."""

    at: float
    before: int
    after: int
    mode: Mode
    why: str


class Scaler:
    """Begins at rest: a revision that was deployed long ago, with its least number of pods and no requests.

    `deployed` False: it is deployed now, and becomes active when its initial pods are ready.
    """

    def __init__(self, setting: Setting, now: float, *, deployed: bool = True) -> None:
        pa = setting.pod_autoscaler(initialized=deployed)
        self._setting = setting
        self._initialized = deployed
        self._ask = Ask(resolve_spec(pa, setting.settings), resolve_measure(pa, setting.settings))
        self._bounds = resolve_bounds(pa, setting.settings)
        self._needed = pods_to_be_active(self._bounds, initialized=deployed)
        self._zero_allowed = setting.settings.enable_scale_to_zero
        self._grace_s = setting.settings.scale_to_zero_grace_period_s
        self._window_s = stable_window_s(pa.metadata.annotations, setting.settings)
        self._retention_s = resolve_retention_s(pa, setting.settings)
        self._deadline_s = setting.progress_deadline_s
        self._tracker = Tracker.meet(self._ask.measure, running=0, now=now)
        self._settled = True
        least = self._bounds.least if deployed else self._needed
        self.replicas = least if self._zero_allowed else max(1, least)
        self.phase: Phase = "active" if self.replicas else "inactive"
        self._phase_since = LONG_AGO
        if not deployed and self.replicas:
            self.phase, self._phase_since = "activating", now
        self.look_at: float | None = None
        self.changes: list[Change] = []

    def poke(self, ready: int, now: float) -> None:
        """The first request after silence: decided at once when there is nothing."""
        self._tracker.poke(now)
        self._settled = False
        if self._tracker.want <= 0:
            self._tracker.decide(self._ask, ready, now)

    def report(self, concurrency: float, rate: float, *, ready: int, now: float) -> None:
        """Averages of the last second."""
        self._tracker.report(concurrency, rate, now)
        self._settled = False
        if ready == 0:
            self._tracker.decide(self._ask, ready, now)

    def tick(self, ready: int, now: float) -> None:
        if self._settled and self._tracker.settled(ready):
            return
        self._tracker.decide(self._ask, ready, now)
        self._settled = self._tracker.settled(ready)

    def reconcile(self, ready: int, now: float) -> int:
        """The number of pods there shall be, after what was decided has been carried as far as it goes now."""
        for _ in range(PASSES_MAX):
            outcome = settle(
                self._tracker.want,
                self._bounds,
                self.phase,
                self._timing(now),
                zero_allowed=self._zero_allowed,
            )
            moved = self._carry_out(outcome, ready, now)
            if not moved:
                break
        self.look_at = None if outcome.again_s is None else now + max(outcome.again_s, AGAIN_MIN_S)
        return self.replicas

    def _carry_out(self, outcome: Outcome, ready: int, now: float) -> bool:
        before = self.replicas, self.phase
        if outcome.apply and outcome.scale != self.replicas:
            decision = self._tracker.decision
            reasons = (outcome.why, *(decision.why if decision else ()))
            why = "; ".join(reason for reason in reasons if reason)
            mode: Mode = decision.mode if decision else "stable"
            self.changes.append(Change(now, self.replicas, outcome.scale, mode, why))
            self.replicas = outcome.scale
        mark = active_mark(outcome.scale, ready, self._needed, self.phase)
        if mark is not None and _PHASES[mark] != self.phase:
            self.phase, self._phase_since = _PHASES[mark], now
        if not self._initialized and ready >= self._needed:
            self._initialize()
        return (self.replicas, self.phase) != before

    def _initialize(self) -> None:
        """The initial scale is reached and asks for nothing any more."""
        self._initialized = True
        pa = self._setting.pod_autoscaler(initialized=True)
        self._bounds = resolve_bounds(pa, self._setting.settings)
        self._needed = pods_to_be_active(self._bounds, initialized=True)

    def _timing(self, now: float) -> Timing:
        return Timing(
            phase_age_s=now - self._phase_since,
            proxied_s=math.inf,  # the gateway has always been in the path
            stable_window_s=self._window_s,
            progress_deadline_s=self._deadline_s,
            grace_s=self._grace_s,
            retention_s=self._retention_s,
        )
