"""Which keys may run now.

Pure: no clock, no task, no lock. Each method returns the keys the caller must start.
A key never runs twice at once; a key added while it runs is run once more afterwards.
At most one timer per key: the latest result decides. Keys start in the order they became due.
Caller: kube.engine, which owns the clock and the tasks.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from tanebi.api.meta import Key

BACKOFF_FIRST_S: Final = 0.005
BACKOFF_MAX_S: Final = 1000.0
STALE_TIMERS_MAX: Final = 16


@dataclass(slots=True)
class WorkQueue:
    running_max: int
    _ready: deque[Key] = field(default_factory=deque)
    _queued: set[Key] = field(default_factory=set)
    _running: set[Key] = field(default_factory=set)
    _again: set[Key] = field(default_factory=set)
    _due_at: dict[Key, float] = field(default_factory=dict)
    _timers: list[tuple[float, Key]] = field(default_factory=list)  # may hold stale entries
    _fails: dict[Key, int] = field(default_factory=dict)

    def add(self, key: Key) -> list[Key]:
        """The world changed for `key`."""
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.append(key)
        return self._start()

    def done(self, key: Key, *, ok: bool, after_s: float | None, now: float) -> list[Key]:
        """`key` finished. `after_s` asks for a timed rerun; not ok means back off."""
        assert key in self._running, f"done without start: {key}"
        self._running.remove(key)
        self._set_timer(key, self._delay(key, ok, after_s), now)
        if key in self._again:
            self._again.remove(key)
            return self.add(key)
        return self._start()

    def due(self, now: float) -> list[Key]:
        """Timers up to `now` have fired."""
        started: list[Key] = []
        while self._timers and self._timers[0][0] <= now:
            at, key = heapq.heappop(self._timers)
            if self._due_at.get(key) == at:
                del self._due_at[key]
                started += self.add(key)
        return started

    def forget(self, key: Key) -> None:
        """Drop the timer and the failures of `key`: its object is gone. A key that waits or runs stays."""
        self._due_at.pop(key, None)
        self._fails.pop(key, None)

    def __len__(self) -> int:
        """Keys that wait for a worker."""
        return len(self._ready)

    def next_wakeup(self) -> float | None:
        """When to call `due`, possibly too early. None: nothing is timed."""
        return self._timers[0][0] if self._timers else None

    def _delay(self, key: Key, ok: bool, after_s: float | None) -> float | None:
        if ok:
            self._fails.pop(key, None)
            return after_s
        fails = self._fails[key] = self._fails.get(key, 0) + 1
        return min(BACKOFF_FIRST_S * 2.0 ** min(fails - 1, 60), BACKOFF_MAX_S)

    def _set_timer(self, key: Key, after_s: float | None, now: float) -> None:
        self._due_at.pop(key, None)
        if after_s is not None:
            self._due_at[key] = now + after_s
            heapq.heappush(self._timers, (now + after_s, key))
        if len(self._timers) > 2 * len(self._due_at) + STALE_TIMERS_MAX:
            self._timers = [(at, k) for k, at in self._due_at.items()]
            heapq.heapify(self._timers)

    def _start(self) -> list[Key]:
        started: list[Key] = []
        while self._ready and len(self._running) < self.running_max:
            key = self._ready.popleft()
            self._queued.remove(key)
            self._running.add(key)
            started.append(key)
        assert len(self._running) <= self.running_max
        return started
