"""Tells the autoscaler how busy each revision is, every second, and pokes it when a sleeping one is asked for.

A revision is reported while it has load and once more with zero, as Knative's activator does (reference/knative-serving.md
§3.1). Callers: activator.gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import anyio
from anyio.abc import TaskStatus

from activator.backend import Backend
from autoscaler.api.stat import Stat, StatSink
from tanebi.api.meta import Key
from tanebi.base.clock import Clock

REPORT_S: Final = 1.0


def take_stats(backends: Iterable[Backend], now: float) -> list[Stat]:
    """One report; revisions without load since the last one are forgotten after they have been reported with zero."""
    stats: list[Stat] = []
    for backend in backends:
        meter = backend.meter
        if meter is None:
            continue
        idle = meter.concurrency == 0
        average, rate = meter.take(now)
        if backend.metered:
            stats.append(Stat(backend.key, average, rate))
        if idle and average == 0 and rate == 0:
            backend.meter = None
    return stats


class Reporter:
    """Inert until `run`."""

    def __init__(
        self, backends: Callable[[], Iterable[Backend]], sink: StatSink, clock: Clock
    ) -> None:
        self._backends = backends
        self._sink = sink
        self._clock = clock

    def poke(self, revision: Key) -> None:
        """The first request of an episode."""
        self._sink.poke(revision, self._clock.now())

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            await self._clock.sleep(REPORT_S)
            now = self._clock.now()
            stats = take_stats(self._backends(), now)
            if stats:
                self._sink.report(stats, now)
