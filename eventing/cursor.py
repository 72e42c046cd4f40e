"""Where one trigger stands in its broker's log, in memory.

Theory. New events are handed out in the order of their sequence numbers and settled in any order. `position` is durable: every
event up to it is settled or has a retry entry, which is durable as well. What is settled beyond it is known only here, so after a
crash it is delivered again; LEAD_MAX bounds how much that can be, by giving the events that hold `position` back a retry entry of
their own (`park`). An event that failed is "settled" for `position` and lives on as a retry entry until it is done or buried.
At most RETRIES_MAX entries exist; at that number no new event is handed out, so a failing subscriber's backlog stays on disk.

Pure: each method says what changed through `take_changes`, which the log writes. Caller: eventing.sqlitelog.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final

from eventing.delivery import START, Failure, Progress

LEAD_MAX: Final = 1024
RETRIES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be written, all in one transaction. `position` None: unchanged.

    `retries`: entries to write (sequence number → progress and due time). `resolved`: entries to remove.
    """

    position: int | None
    retries: dict[int, tuple[Progress, float]]
    resolved: tuple[int, ...]
    buried: dict[int, Failure]

    def __bool__(self) -> bool:
        return bool(self.position is not None or self.retries or self.resolved or self.buried)


@dataclass(slots=True, eq=False)
class Cursor:
    """Begins after `position`, with the retry entries that the disk holds."""

    position: int
    _next: int = 0
    _settled: set[int] = field(default_factory=set)
    _retries: dict[int, Progress] = field(default_factory=dict)
    _due: list[tuple[float, int]] = field(default_factory=list)
    _written: int = 0
    _changed: dict[int, tuple[Progress, float] | None] = field(default_factory=dict)
    _buried: dict[int, Failure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = self.position + 1
        self._written = self.position

    def load(self, seq: int, progress: Progress, due: float) -> None:
        """A retry entry from disk. It is not new, even where the position on disk has not reached it."""
        if seq > self.position:
            self._settle(seq)
        self._retries[seq] = progress
        heapq.heappush(self._due, (due, seq))

    @property
    def next(self) -> int:
        """The sequence number of the next new event."""
        return self._next

    @property
    def retries(self) -> int:
        """Events that have failed and are not given up."""
        return len(self._retries)

    def backlog(self, end: int) -> int:
        """Events that are not settled, when the log ends at `end`."""
        return end - self.position - len(self._settled) + len(self._retries)

    def new_max(self) -> int:
        """How many new events may be handed out now."""
        lead = self._next - 1 - self.position - 2 * LEAD_MAX
        return max(min(RETRIES_MAX - len(self._retries), -lead), 0)

    @property
    def held_back(self) -> bool:
        """The bounds are near: somebody may wait for `new_max` to grow."""
        return self.new_max() < LEAD_MAX

    def take_new(self, through: int) -> list[int]:
        """Hand out the events up to `through`; those that had a retry entry on disk are left out."""
        fresh = [
            seq
            for seq in range(self._next, through + 1)
            if seq > self.position and seq not in self._settled
        ]
        self._next = max(self._next, through + 1)
        return fresh

    def take_due(self, now: float, count: int) -> list[tuple[int, Progress]]:
        """Hand out up to `count` retries whose time has come."""
        found: list[tuple[int, Progress]] = []
        while self._due and self._due[0][0] <= now and len(found) < count:
            _, seq = heapq.heappop(self._due)
            found.append((seq, self._retries[seq]))
        return found

    def next_due(self) -> float | None:
        """When the next retry comes due; None when none waits."""
        return self._due[0][0] if self._due else None

    def done(self, seq: int) -> None:
        """The event is answered for."""
        if self._retries.pop(seq, None) is None:
            self._settle(seq)
        else:
            self._changed[seq] = None

    def again(self, seq: int, progress: Progress, due: float) -> None:
        """It failed and is tried again at `due`."""
        if seq not in self._retries:
            self._settle(seq)
        self._retries[seq] = progress
        self._changed[seq] = (progress, due)
        heapq.heappush(self._due, (due, seq))

    def bury(self, seq: int, failure: Failure) -> None:
        """It is given up and kept as a dead letter."""
        self._buried[seq] = failure
        self.done(seq)

    def take_changes(self, now: float) -> Changes:
        """What changed since the last call."""
        if len(self._settled) > LEAD_MAX:
            self._park(now)
        position = self.position if self.position != self._written else None
        retries = {seq: entry for seq, entry in self._changed.items() if entry is not None}
        resolved = tuple(seq for seq, entry in self._changed.items() if entry is None)
        changes = Changes(position, retries, resolved, self._buried)
        self._written, self._changed, self._buried = self.position, {}, {}
        return changes

    def _park(self, now: float) -> None:
        """Write down the events in flight that hold `position` back; they stay in flight."""
        last = max(self._settled)
        for seq in range(self.position + 1, last):
            if seq not in self._settled and len(self._settled) > LEAD_MAX // 2:
                self._retries[seq] = START
                self._changed[seq] = (START, now)
                self._settle(seq)

    def _settle(self, seq: int) -> None:
        if seq != self.position + 1:
            self._settled.add(seq)
            return
        self.position = seq
        while self.position + 1 in self._settled:
            self.position += 1
            self._settled.discard(self.position)
