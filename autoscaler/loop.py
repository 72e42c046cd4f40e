"""The autoscaler as a running part: takes reports in, decides, and says for which revisions something changed.

Shell: holds the clock and the cached world; everything it knows about one revision is in a `Tracker`. It decides
 - at once when poked for a revision that has nothing: no tick and no wait lies between a request and `on_change`;
 - with each report while no pod is ready, so that a burst gets its pods as soon as its size is known;
 - every TICK_S for revisions with something to decide. Without one, it sleeps.
It writes nothing: `on_change(key)` enqueues the PodAutoscaler, whose reconciler reads `lookup(key)`.
Implements autoscaler.api.stat.StatSink and autoscaler.reconcile.podautoscaler.Decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

import autoscaler.metrics as metrics
from autoscaler.api.annotations import autoscaler_class
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER, AutoscalerSettings
from autoscaler.api.kinds import POD_AUTOSCALER
from autoscaler.api.limits import KPA
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.api.stat import Stat
from autoscaler.api.wake import Wake
from autoscaler.counts import ReadyCounts
from autoscaler.decide import initial_spare
from autoscaler.reconcile.podautoscaler import Standing
from autoscaler.target import resolve_bounds, resolve_measure, resolve_spec
from autoscaler.tracker import Ask, Tracker
from autoscaler.wakes import WakeBook
from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, Resource, key_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger

TICK_S: Final = 2.0
EARLY_POKES_MAX: Final = 1024

R = TypeVar("R", bound=Resource)
log = get_logger("autoscaler")


class World(Protocol):
    """What is needed of tanebi.kube.cache.Cache."""

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None: ...

    def subscribe(
        self, kind: AnyKind, callback: Callable[[Obj | None, Obj | None], None]
    ) -> None: ...


class Autoscaler:
    """Follows PodAutoscalers and EndpointSlices from construction on; ticks while `run` runs."""

    def __init__(
        self, world: World, configs: Configs, *, clock: Clock, on_change: Callable[[Key], None]
    ) -> None:
        self._world = world
        self._configs = configs
        self._clock = clock
        self._on_change = on_change
        self._trackers: dict[Key, Tracker] = {}
        self._met_at: dict[Key, datetime] = {}
        self._asks: dict[Key, tuple[PodAutoscaler, AutoscalerSettings, Ask]] = {}
        self._early: dict[Key, float] = {}  # pokes for revisions that the cache does not show yet
        self._counts = ReadyCounts()
        self._unsettled: set[Key] = set()
        self._wakes = WakeBook()
        self._woken = anyio.Event()
        world.subscribe(ENDPOINT_SLICE, self._slice_changed)
        world.subscribe(POD_AUTOSCALER, self._pa_changed)

    # --- StatSink ---

    def report(self, stats: Sequence[Stat], now: float) -> None:
        for stat in stats:
            tracker = self._tracker(stat.revision, now)
            if tracker is None:
                continue
            tracker.report(stat.concurrency, stat.requests, now)
            self._unsettle(stat.revision)
            if self._counts.ready(stat.revision) == 0:
                self._decide(stat.revision, tracker, now)

    def poke(self, revision: Key, now: float) -> None:
        tracker = self._tracker(revision, now)
        if tracker is None:
            if len(self._early) < EARLY_POKES_MAX:
                self._early[revision] = now
            return
        tracker.poke(now)
        self._unsettle(revision)
        if tracker.want <= 0:
            self._decide(revision, tracker, now)

    # --- cold starts ---

    def started(self, revision: Key) -> None:
        """The kubelet has started a container of a pod, or woken one."""
        self._wakes.started(revision, self._clock.now())

    def woke(self, wake: Wake) -> None:
        """The data plane tells of a cold start that is over."""
        phases = self._wakes.woke(wake)
        if phases is not None:
            metrics.woke(wake.revision, phases)

    # --- Decisions ---

    def lookup(self, key: Key) -> Standing | None:
        """The last decision for a revision; None for one that is not ours."""
        now = self._clock.now()
        tracker = self._tracker(key, now)
        if tracker is None:
            return None
        pa, settings, ask = self._asks[key]
        decision = tracker.decision
        if decision is not None:
            return Standing(decision, decision.spare, self._met_at[key])
        spare = initial_spare(ask.spec, resolve_bounds(pa, settings).initial)
        return Standing(None, spare, self._met_at[key])

    # --- the tick ---

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Tick until cancelled."""
        task_status.started()
        while True:
            if not self._unsettled:
                await self._woken.wait()
            await self._clock.sleep(TICK_S)
            self.tick(self._clock.now())

    def tick(self, now: float) -> None:
        """Decide for every revision with something to decide."""
        for key in sorted(self._unsettled):
            tracker = self._tracker(key, now)
            if tracker is None:
                self._unsettled.discard(key)
                continue
            self._decide(key, tracker, now)
            if tracker.settled(self._counts.ready(key)):
                self._unsettled.discard(key)
        if not self._unsettled:
            self._woken = anyio.Event()

    @property
    def unsettled(self) -> frozenset[Key]:
        """Revisions that the next tick will look at."""
        return frozenset(self._unsettled)

    # --- inside ---

    def _decide(self, key: Key, tracker: Tracker, now: float) -> None:
        ask = self._ask(key)
        if ask is None:
            return
        ready = self._counts.ready(key)
        changed = tracker.decide(ask, ready, now)
        if tracker.decision is None:
            return
        stable, panic = tracker.measured(ask, now)
        metrics.decided(key, tracker.decision, ask.spec, ready=ready, stable=stable, panic=panic)
        if changed:
            log.debug(
                "decided",
                ns=key.namespace,
                rev=key.name,
                want=tracker.want,
                why=tracker.decision.why,
            )
            if ready == 0 and tracker.want > 0:
                self._wakes.decided(key, now)
            self._on_change(key)

    def _tracker(self, key: Key, now: float) -> Tracker | None:
        """None when the cache has no PodAutoscaler of our class under this key."""
        known = self._trackers.get(key)
        if known is not None:
            return known
        ask = self._ask(key)
        if ask is None:
            return None
        pa = self._asks[key][0]
        # After a restart the pods may still be on their way: what was wanted before counts as running.
        wanted = (pa.status.desired_scale or 0) if pa.status.initialized else 0
        running = max(self._counts.ready(key), wanted)
        tracker = self._trackers[key] = Tracker.meet(ask.measure, running=running, now=now)
        self._met_at[key] = self._clock.wall()
        if not tracker.settled(self._counts.ready(key)):
            self._unsettle(key)
        return tracker

    def _ask(self, key: Key) -> Ask | None:
        pa = self._world.get(POD_AUTOSCALER, key.namespace, key.name)
        settings = self._configs.get(CONFIG_AUTOSCALER)
        if pa is None or autoscaler_class(pa.metadata.annotations, settings) != KPA:
            return None
        known = self._asks.get(key)
        if known is not None and known[0] is pa and known[1] is settings:
            return known[2]
        ask = Ask(resolve_spec(pa, settings), resolve_measure(pa, settings))
        self._asks[key] = (pa, settings, ask)
        return ask

    def _pa_changed(self, old: Obj | None, new: Obj | None) -> None:
        key = key_of(new or old or {})
        if new is None:
            self._forget(key)
            return
        now = self._clock.now()
        self._tracker(key, now)
        poked_at = self._early.pop(key, None)
        if poked_at is not None:
            self.poke(key, now)

    def _slice_changed(self, old: Obj | None, new: Obj | None) -> None:
        key = self._counts.changed(old, new)
        if key is not None and key in self._trackers:
            self._unsettle(key)

    def _forget(self, key: Key) -> None:
        for table in (self._trackers, self._met_at, self._asks, self._early):
            table.pop(key, None)
        self._unsettled.discard(key)
        self._wakes.forget(key)
        metrics.forget(key)

    def _unsettle(self, key: Key) -> None:
        self._unsettled.add(key)
        self._woken.set()
