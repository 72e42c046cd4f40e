"""Deadlines of many short waits with few timers.

Waits of the same length end in the order in which they began, so one timer for each length is enough: it looks at the oldest.
A timer for each wait would cost as much as a tenth of a delivery. Caller: tanebi.http.client.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Wait(Protocol):
    """Something that may take too long; hashed by identity."""

    def on_late(self) -> None:
        """The deadline has passed. Called once at most."""


class _Lane:
    """Waits of one length, oldest first, with the loop's time at which each is late."""

    __slots__ = ("timed", "waits")

    def __init__(self) -> None:
        self.waits: dict[Wait, float] = {}
        self.timed = False


class Deadlines:
    """Belongs to one loop, the one that runs when a wait begins."""

    def __init__(self) -> None:
        self._lanes: dict[float, _Lane] = {}

    def __len__(self) -> int:
        return sum(len(lane.waits) for lane in self._lanes.values())

    def begin(self, wait: Wait, seconds: float) -> None:
        """`wait.on_late()` is called in `seconds` unless `end` is called first."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(seconds)
        if lane is None:
            lane = self._lanes[seconds] = _Lane()
        lane.waits[wait] = loop.time() + seconds
        if not lane.timed:
            lane.timed = True
            loop.call_later(seconds, self._look, loop, seconds, lane)

    def end(self, wait: Wait, seconds: float) -> None:
        """Over in time, or not: `seconds` as given to `begin`."""
        lane = self._lanes.get(seconds)
        if lane is not None:
            lane.waits.pop(wait, None)

    def _look(self, loop: asyncio.AbstractEventLoop, seconds: float, lane: _Lane) -> None:
        now = loop.time()
        late = []
        for wait, until in lane.waits.items():
            if until > now:
                loop.call_later(until - now, self._look, loop, seconds, lane)
                break
            late.append(wait)
        else:
            lane.timed = False
            del self._lanes[seconds]
        for wait in late:
            del lane.waits[wait]
        for wait in late:
            wait.on_late()
