"""Writes Kubernetes Events, beside the path that causes them.

`say` never waits: notes go through a bounded queue to one writer task, and are dropped and counted when it is full, for an
Event is a courtesy and must not slow a reconciler. Caller: tanebi.kube.engine, and other parts that have news of an object.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds import EVENT
from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.base.rng import Rng
from tanebi.kube.client import Kube
from tanebi.kube.errors import AlreadyExists, ApiError, Forbidden, NotFound, Unreachable
from tanebi.kube.metrics import NOTES_DROPPED
from tanebi.kube.notes import Notebook
from tanebi.kube.plan import Note

WAITING_MAX: Final = 512

log = get_logger("events")


class Recorder:
    """Inert until `run`; what is said before is written then."""

    def __init__(self, kube: Kube, clock: Clock, rng: Rng) -> None:
        self._kube = kube
        self._clock = clock
        self._book = Notebook(rng)
        self._waiting: deque[Obj] = deque()  # at most WAITING_MAX
        self._wake = anyio.Event()

    def say(self, about: Obj, note: Note, *, component: str) -> None:
        """Record `note` about the object `about`. Drops and counts when the writer is behind."""
        event = self._book.say(about, note, component=component, now=self._clock.wall())
        if event is None:
            return
        if len(self._waiting) >= WAITING_MAX:
            NOTES_DROPPED.inc()
            return
        self._waiting.append(event)
        self._wake.set()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Write until cancelled."""
        task_status.started()
        while True:
            if not self._waiting:
                self._wake = anyio.Event()
                await self._wake.wait()
            await self._try(self._waiting.popleft())

    async def _try(self, event: Obj) -> None:
        try:
            await self._write(event)
        except (Forbidden, NotFound):  # its namespace is going, or gone
            NOTES_DROPPED.inc()
        except (ApiError, Unreachable) as error:
            NOTES_DROPPED.inc()
            log.warning(
                "event not written",
                name=event["involvedObject"]["name"],
                reason=event["reason"],
                error=str(error),
            )

    async def _write(self, event: Obj) -> None:
        meta = event["metadata"]
        if event["count"] > 1:
            counted = {"count": event["count"], "lastTimestamp": event["lastTimestamp"]}
            try:
                await self._kube.patch(EVENT, meta["namespace"], meta["name"], counted)
                return
            except NotFound:  # it has aged away: say it anew
                pass
        try:
            await self._kube.create(EVENT, event)
        except AlreadyExists:  # an earlier try was carried out although no answer came
            return
