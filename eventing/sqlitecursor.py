"""One trigger's place in a stream of the SQLite log: what it is handed next, and what of it must be written.

New events come from the stream's tail in memory, or from the disk for a trigger that fell behind; retries when they are due.
The bookkeeping is pure (eventing.cursor). Implements eventing.log.LogCursor. Caller: eventing.sqlitelog.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from eventing import sqlstatements as sql
from eventing.cursor import Cursor
from eventing.delivery import START, Failure, Progress
from eventing.diskreader import DiskReader
from eventing.events import Event, pack
from eventing.log import Name, Record
from eventing.tail import Tail
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger

# Retries are read by number, whatever they weigh: fewer at a time.
DUE_MAX: Final = 16

_LOG: Final = get_logger("eventlog")


class Keeper(Protocol):
    """What a cursor needs of its log."""

    @property
    def clock(self) -> Clock: ...

    @property
    def reader(self) -> DiskReader: ...

    @property
    def failed(self) -> bool: ...

    def touched(self, place: SqliteCursor) -> None: ...

    def alarm(self) -> None: ...


@dataclass(slots=True, eq=False)
class Stream:
    """`assigned` is the newest sequence number given out, `end` the newest on disk, `trimmed` the newest deleted."""

    owner: Name
    number: int
    end: int
    trimmed: int
    assigned: int
    tail: Tail
    cursors: dict[Name, SqliteCursor] = field(default_factory=dict)
    marks: deque[tuple[float, int, int]] = field(default_factory=deque)  # time, end, bytes so far
    bytes_total: int = 0
    dropped: bool = False


@dataclass(slots=True, eq=False)
class SqliteCursor:
    """Implements eventing.log.LogCursor."""

    log: Keeper
    stream: Stream
    name: Name
    number: int
    state: Cursor
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: bool = False
    _dead: dict[int, Event] = field(default_factory=dict)

    @property
    def backlog(self) -> int:
        return self.state.backlog(self.stream.end)

    async def read(self, count: int) -> Sequence[Record]:
        while True:
            self.arrived.clear()
            while self._has_some():
                if records := await self._due(count) or await self._new(count):
                    return records
            await self.arrived.wait()

    def _has_some(self) -> bool:
        """Whether anything is due or new. What comes of it may be nothing: events that had a retry entry are not new."""
        if self.dropped or self.log.failed:
            return False
        due, state = self.state.next_due(), self.state
        if due is not None and due <= self.log.clock.now():
            return True
        return state.next <= self.stream.end and state.new_max() > 0

    def done(self, record: Record) -> None:
        self.state.done(record.seq)
        self._touched()

    def again(self, record: Record, progress: Progress, after_s: float) -> None:
        self.state.again(record.seq, progress, self.log.clock.now() + after_s)
        self._touched()
        self.log.alarm()

    def bury(self, record: Record, failure: Failure) -> None:
        self._dead[record.seq] = record.event
        self.state.bury(record.seq, failure)
        self._touched()

    def _touched(self) -> None:
        """There is something to write; and if bounds held the reader back, it may look again."""
        if not self.dropped:
            self.log.touched(self)
        if self.state.held_back:
            self.arrived.set()

    async def _due(self, count: int) -> list[Record]:
        taken = self.state.take_due(self.log.clock.now(), min(count, DUE_MAX))
        if not taken:
            return []
        self.log.alarm()  # the next one that comes due is not being waited for yet
        missing = [seq for seq, _ in taken if seq not in self.stream.tail]
        number = self.stream.number
        stored = await self.log.reader.some(number, missing) if missing else {}
        records = []
        for seq, progress in taken:
            event = self.stream.tail.get(seq) or stored.get(seq)
            if event is None:
                self._lost(seq)
            else:
                records.append(Record(seq, event, progress))
        return records

    async def _new(self, count: int) -> list[Record]:
        state, stream = self.state, self.stream
        first = state.next
        through = min(stream.end, first + min(count, state.new_max()) - 1)
        if through < first:
            return []
        if first in stream.tail:
            fresh = [Record(s, stream.tail[s], START) for s in state.take_new(through)]
            self._pass_tail(through)
            return fresh
        stored = await self.log.reader.span(stream.number, first, through)
        if stored and len(stored) < through - first + 1 and (last := max(stored)) < through:
            through = last  # the reader stops early after many bytes
        records = []
        for seq in state.take_new(through):
            if seq in stored:
                records.append(Record(seq, stored[seq], START))
            else:
                self._lost(seq)
        return records

    def _pass_tail(self, seq: int) -> None:
        """The tail keeps nothing that every trigger has read."""
        cursors = self.stream.cursors.values()
        if len(cursors) == 1 or all(place.state.next > seq for place in cursors):
            self.stream.tail.drop_through(seq)

    def _lost(self, seq: int) -> None:
        _LOG.error("an event is missing from the log", name=self.name.name, seq=seq)
        self.state.done(seq)
        self._touched()

    def statements(self, now: float, wall: float) -> list[sql.Statement]:
        """What has changed since the last call, as writes."""
        if self.state.held_back:
            self.arrived.set()  # what is parked now holds the reader back no longer
        changes = self.state.take_changes(now)
        number, stream = self.number, self.stream
        written: list[sql.Statement] = []
        if changes.position is not None:
            written.append(
                ("UPDATE cursors SET position=? WHERE number=?", (changes.position, number))
            )
        if changes.retries:
            written += sql.insert_retries(
                [
                    (
                        number,
                        seq,
                        sql.rowid(stream.number, seq),
                        progress.attempts,
                        wall + (due - now),
                        sql.dump_failure(progress.failure),
                    )
                    for seq, (progress, due) in changes.retries.items()
                ]
            )
        if changes.buried:
            rows = [self._dead_row(seq, wall, why) for seq, why in changes.buried.items()]
            written += sql.insert_dead(rows)
        if changes.resolved:
            written += sql.delete_retries(number, changes.resolved)
            below = [s for s in changes.resolved if s <= stream.trimmed]
            written += sql.delete_unwanted([sql.rowid(stream.number, s) for s in below])
        return written

    def _dead_row(
        self, seq: int, wall: float, failure: Failure
    ) -> tuple[int, int, float, bytes, bytes, bytes]:
        event = self._dead.pop(seq)
        why = sql.dump_failure(failure)
        assert why is not None
        return self.number, seq, wall, why, pack(event), event.data
