"""The event log on SQLite (DESIGN §3.5): group commit, a tail in memory, progress written in groups.

The hot path never reads the disk: committed events stay in the stream's tail until every trigger has read them (or the tail is
full, then a slow trigger reads in batches on a thread). One writer thread (tanebi.base.groupcommit); appends that arrive while it
commits become one transaction. After a failed commit nothing is accepted and nothing is handed out until the file is opened anew.

Implements eventing.log.EventLog. Caller: eventing.broker.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import TaskStatus

from eventing import sqlstatements as sql
from eventing.cursor import Cursor
from eventing.diskreader import DiskReader, Loaded
from eventing.events import Event, pack
from eventing.log import DeadLetter, LogCursor, Name, Retention
from eventing.sqlitecursor import SqliteCursor, Stream
from eventing.tail import Tail
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.groupcommit import GroupCommitter, connect, store_failed
from tanebi.base.log import get_logger

BATCH_MAX: Final = 512
WAITING_BYTES_MAX: Final = 64 << 20
FLUSH_S: Final = 0.02
HOUSEKEEPING_S: Final = 1.0
TRIM_STEP: Final = 2000
RETRY_AFTER_FULL_S: Final = 10.0

_LOG: Final = get_logger("eventlog")


@dataclass(slots=True, eq=False)
class _Append:
    stream: Stream
    event: Event
    size: int
    waiter: asyncio.Future[None]
    seq: int = 0


@dataclass(slots=True, eq=False)
class SqliteEventLog:
    """Inert until `run`. `opener` opens the file; tests give one that fails."""

    path: Path
    clock: Clock
    retention: Retention = field(default_factory=Retention)
    opener: Callable[[Path], sqlite3.Connection] = connect
    _committer: GroupCommitter | None = None
    _reader: DiskReader | None = None
    _streams: dict[Name, Stream] = field(default_factory=dict)
    _readers: dict[Name, SqliteCursor] = field(default_factory=dict)
    _waiting: deque[_Append] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _writing: bool = False
    _scheduled: bool = False
    _dirty: set[SqliteCursor] = field(default_factory=set)
    _dirt: asyncio.Event = field(default_factory=asyncio.Event)
    _alarm: asyncio.Event = field(default_factory=asyncio.Event)
    _dropped: list[int] = field(default_factory=list)
    _last_stream: int = 0
    _last_cursor: int = 0
    _used: int = 0
    _full: str = ""

    # --- life ------------------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Raises Unavailable when the file cannot be opened."""
        loop = asyncio.get_running_loop()
        self._reader = await anyio.to_thread.run_sync(DiskReader.open, self.path, self.opener)
        self._restore(await self._reader.load())
        self._committer = GroupCommitter(self._reader.take_writer(), loop)
        self._committer.start()
        try:
            async with anyio.create_task_group() as tg:
                tg.start_soon(self._flusher)
                tg.start_soon(self._alarms)
                tg.start_soon(self._housekeeper)
                task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()

    def _restore(self, loaded: Loaded) -> None:
        now, wall = self.clock.now(), self.clock.wall().timestamp()
        by_number: dict[int, Stream] = {}
        for row in loaded.streams:
            stream = Stream(
                row.owner, row.number, row.end, row.first - 1, row.end, Tail(row.end + 1)
            )
            by_number[row.number] = self._streams[row.owner] = stream
            stream.marks.append((now, row.end, 0))
        for number, stream_number, reader, position in loaded.cursors:
            stream = by_number[stream_number]
            place = SqliteCursor(self, stream, reader, number, Cursor(position))
            stream.cursors[reader] = self._readers[reader] = place
        numbered = {place.number: place for place in self._readers.values()}
        for number, seq, attempts, due, failure in loaded.retries:
            progress = sql.load_progress(attempts, failure)
            numbered[number].state.load(seq, progress, now + (due - wall))
        self._dropped = list(loaded.dropped)
        self._last_stream, self._last_cursor = loaded.last_stream, loaded.last_cursor
        self._used = loaded.used

    async def _close(self) -> None:
        """Write what is waiting and due, then close the files."""
        assert self._committer is not None
        assert self._reader is not None
        self._submit()
        self._flush()
        await anyio.to_thread.run_sync(self._committer.close)
        await self._reader.close()
        await asyncio.sleep(0)  # the committer's last reports are queued on this loop
        for item in self._waiting:
            _fail(item, Unavailable("store-closing", "the event log is closing"))
        self._waiting.clear()

    # --- streams and cursors ---------------------------------------------------------------------

    def stream(self, owner: Name) -> None:
        if owner in self._streams:
            return
        self._last_stream += 1
        self._streams[owner] = Stream(owner, self._last_stream, 0, 0, 0, Tail(1))
        values = (self._last_stream, owner.namespace, owner.name, owner.uid)
        self._write([("INSERT INTO streams VALUES (?,?,?,?,0)", values)])

    def drop_stream(self, owner: Name) -> None:
        stream = self._streams.pop(owner, None)
        if stream is None:
            return
        stream.dropped = True
        for reader in list(stream.cursors):
            self.drop_cursor(reader)
        # Deleting a long backlog at once would hold everybody up: the housekeeper does it piece by piece.
        self._write([("UPDATE streams SET dropped=1 WHERE number=?", (stream.number,))])
        self._dropped.append(stream.number)

    def streams(self) -> Sequence[Name]:
        return list(self._streams)

    def cursor(self, owner: Name, reader: Name) -> LogCursor:
        stream = self._streams[owner]
        place = stream.cursors.get(reader)
        if place is None:
            self._last_cursor += 1
            # Appends under way are not yet answered for: a trigger that exists before the answer gets them.
            place = SqliteCursor(self, stream, reader, self._last_cursor, Cursor(stream.end))
            stream.cursors[reader] = self._readers[reader] = place
            values = (place.number, stream.number, *reader, stream.end)
            self._write([("INSERT INTO cursors VALUES (?,?,?,?,?,?)", values)])
        return place

    def drop_cursor(self, reader: Name) -> None:
        place = self._readers.pop(reader, None)
        if place is None:
            return
        del place.stream.cursors[reader]
        place.dropped = True
        self._dirty.discard(place)
        self._write(sql.drop_cursor(place.number))

    def cursors(self) -> Sequence[Name]:
        return list(self._readers)

    async def dead_letters(self, reader: Name, *, limit: int) -> Sequence[DeadLetter]:
        place = self._readers.get(reader)
        if place is None:
            return ()
        await self._await_write(self._progress())  # what was buried a moment ago counts
        return await self.reader.dead_letters(place.number, limit)

    # --- appending -------------------------------------------------------------------------------

    async def append(self, owner: Name, event: Event) -> None:
        stream = self._streams[owner]
        committer = self._open()
        size = event.size
        if self._full:
            raise Unavailable("log-full", self._full, retry_after_s=RETRY_AFTER_FULL_S)
        if self._waiting_bytes + size > WAITING_BYTES_MAX and self._waiting_bytes:
            raise Unavailable("log-busy", f"{WAITING_BYTES_MAX} bytes wait for the disk already")
        waiter: asyncio.Future[None] = committer.loop.create_future()
        self._waiting.append(_Append(stream, event, size, waiter))
        self._waiting_bytes += size
        if not self._scheduled and not self._writing:
            self._scheduled = True
            committer.loop.call_soon(self._submit)
        await waiter

    def _open(self) -> GroupCommitter:
        committer = self._committer
        if committer is None:
            raise Unavailable("store-closing", "the event log is not open")
        if committer.failed is not None:
            raise store_failed(committer.failed)
        return committer

    def _submit(self) -> None:
        """Hand what has gathered to the writer, as one unit; progress that is due goes with it."""
        self._scheduled = False
        if self._writing or not self._waiting:
            return
        batch: list[_Append] = []
        rows: list[tuple[int, float, bytes, bytes]] = []
        at = self.clock.wall().timestamp()
        while self._waiting and len(batch) < BATCH_MAX:
            item = self._waiting.popleft()
            stream = item.stream
            if stream.dropped:
                self._waiting_bytes -= item.size
                _fail(item, Unavailable("no-broker", f"broker {stream.owner.name} was deleted"))
                continue
            stream.assigned += 1
            item.seq = stream.assigned
            row = sql.rowid(stream.number, item.seq)
            rows.append((row, at, pack(item.event), item.event.data))
            batch.append(item)
        if batch:
            statements = [*sql.insert_events(rows), *self._progress()]
            self._writing = True
            self._send(statements, lambda error: self._committed(batch, error))

    def _send(
        self, statements: Sequence[sql.Statement], done: Callable[[Exception | None], None]
    ) -> None:
        """Submit; a refusal is reported through `done`, as a failed commit would be."""
        assert self._committer is not None
        try:
            self._committer.submit(statements, done)
        except Unavailable as error:
            done(error)

    def _committed(self, batch: Sequence[_Append], error: Exception | None) -> None:
        self._writing = False
        touched: set[Stream] = set()
        for item in batch:
            self._waiting_bytes -= item.size
            if error is not None:
                _fail(item, error if isinstance(error, Unavailable) else store_failed(error))
                continue
            stream = item.stream
            stream.end = item.seq
            stream.bytes_total += item.size
            stream.tail.append(item.event, item.size)
            self._used += item.size
            touched.add(stream)
            if not item.waiter.done():
                item.waiter.set_result(None)
        if error is not None:
            self._fail_waiting(error)
        if self._used >= self.retention.disk_bytes and not self._full:
            self._full = self._over_limit()
        for stream in touched:
            if not stream.cursors:
                stream.tail.drop_through(stream.end)
            for place in stream.cursors.values():
                place.arrived.set()
        self._submit()

    def _fail_waiting(self, error: Exception) -> None:
        _LOG.error("the event log failed and is read-only now", error=repr(error))
        while self._waiting:
            item = self._waiting.popleft()
            self._waiting_bytes -= item.size
            _fail(item, error if isinstance(error, Unavailable) else store_failed(error))

    # --- progress --------------------------------------------------------------------------------

    def touched(self, place: SqliteCursor) -> None:
        """A cursor has something to write."""
        self._dirty.add(place)
        self._dirt.set()

    def alarm(self) -> None:
        """A retry was scheduled."""
        self._alarm.set()

    @property
    def failed(self) -> bool:
        """The file cannot be trusted any more: nothing is accepted and nothing handed out."""
        return self._committer is not None and self._committer.failed is not None

    @property
    def reader(self) -> DiskReader:
        assert self._reader is not None, "read before run"
        return self._reader

    def _progress(self) -> list[sql.Statement]:
        """Everything the cursors want written."""
        statements: list[sql.Statement] = []
        now, wall = self.clock.now(), self.clock.wall().timestamp()
        for place in self._dirty:
            statements += place.statements(now, wall)
        self._dirty.clear()
        self._dirt.clear()
        return statements

    def _flush(self) -> None:
        if self._dirty and not self.failed:
            self._write(self._progress())

    def _write(self, statements: Sequence[sql.Statement]) -> None:
        """Submit without waiting. Failure shows in the committer and is met by the next append."""
        if statements and self._committer is not None:
            self._send(statements, _report)

    async def _flusher(self) -> None:
        while True:
            await self._dirt.wait()
            await self.clock.sleep(FLUSH_S)
            self._flush()

    async def _alarms(self) -> None:
        """Wake the cursors whose retries come due."""
        while True:
            self._alarm.clear()
            now = self.clock.now()
            dues: list[float] = []
            for place in self._readers.values():
                due = place.state.next_due()
                if due is not None and due <= now:
                    place.arrived.set()
                elif due is not None:
                    dues.append(due)
            async with anyio.create_task_group() as tg:
                if dues:
                    tg.start_soon(self._ring, min(dues) - now)
                await self._alarm.wait()
                tg.cancel_scope.cancel()

    async def _ring(self, after_s: float) -> None:
        await self.clock.sleep(after_s)
        self._alarm.set()

    # --- housekeeping ----------------------------------------------------------------------------

    async def _housekeeper(self) -> None:
        while not self.failed:
            await self.clock.sleep(HOUSEKEEPING_S)
            try:
                await self._keep_house()
            except Unavailable as error:  # the file failed: appends say so, nothing more to keep
                _LOG.error("the event log cannot be kept in order", error=error.message)

    async def _keep_house(self) -> None:
        await self._measure()
        for stream in list(self._streams.values()):
            await self._trim(stream)
        await self._bury_dropped()
        oldest = self.clock.wall().timestamp() - self.retention.dead_s
        await self._await_write([("DELETE FROM dead WHERE at < ?", (oldest,))])

    async def _measure(self) -> None:
        """How full the disk is, and whether new events may come."""
        self._used, free = await self.reader.usage()
        keep = self.retention
        if self._used >= keep.disk_bytes:
            self._full = self._over_limit()
        elif free < keep.disk_free_bytes:
            self._full = f"only {free} bytes are free on the disk of the event log"
        elif self._full:
            self._full = ""

    def _over_limit(self) -> str:
        held = f"the event log holds {self._used} bytes, its limit"
        if not self._readers:
            return held
        slowest = max(self._readers.values(), key=lambda place: place.backlog)
        where = f"{slowest.name.namespace}/{slowest.name.name}"
        return f"{held}; trigger {where} has {slowest.backlog} events waiting"

    async def _trim(self, stream: Stream) -> None:
        """Delete what every trigger has passed and retention does not keep."""
        cut = min((place.state.position for place in stream.cursors.values()), default=stream.end)
        cut = min(cut if self._full else min(cut, self._kept_from(stream)), stream.end - 1)
        while stream.trimmed < cut and not stream.dropped:
            last = min(stream.trimmed + TRIM_STEP, cut)
            first_id = sql.rowid(stream.number, stream.trimmed + 1)
            last_id = sql.rowid(stream.number, last)
            await self._await_write([sql.delete_range(first_id, last_id)])
            stream.trimmed = last

    def _kept_from(self, stream: Stream) -> int:
        """The newest sequence number that is old enough, or far enough back, to go once passed."""
        now, marks = self.clock.now(), stream.marks
        marks.append((now, stream.end, stream.bytes_total))
        old = now - self.retention.passed_s
        heavy = stream.bytes_total - self.retention.passed_bytes
        while len(marks) > 1 and (marks[1][0] <= old or marks[1][2] <= heavy):
            marks.popleft()
        at, end, size = marks[0]
        return end if at <= old or size <= heavy else 0

    async def _bury_dropped(self) -> None:
        """Delete the events of dropped streams, piece by piece."""
        while self._dropped:
            number = self._dropped[0]
            low, high = sql.rowid(number, 0), sql.rowid(number + 1, 0) - 1
            last = await self.reader.nth_id(low, high, TRIM_STEP)
            if last is None:
                await self._await_write([("DELETE FROM streams WHERE number=?", (number,))])
                self._dropped.pop(0)
            else:
                await self._await_write(
                    [("DELETE FROM events WHERE id BETWEEN ? AND ?", (low, last))]
                )

    async def _await_write(self, statements: Sequence[sql.Statement]) -> None:
        assert self._committer is not None
        await self._committer.write(statements)


def _fail(item: _Append, error: Exception) -> None:
    if not item.waiter.done():
        item.waiter.set_exception(error)


def _report(error: Exception | None) -> None:
    if error is not None:
        _LOG.error("the event log could not record progress", error=repr(error))


__all__ = ["SqliteEventLog"]
