"""Reads of the event log's file, on a thread: what a start loads, what fell out of memory, what the housekeeper asks.

Caller: eventing.sqlitelog. One read at a time; the connection is never written through.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio

from eventing import sqlstatements as sql
from eventing.events import Event, unpack
from eventing.log import DeadLetter, Name
from tanebi.base.errors import Unavailable

T = TypeVar("T")

SPAN_BYTES_MAX: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class StreamRow:
    """`first` and `end` are the sequence numbers of the oldest and the newest event; `first` is `end` + 1 when there is none."""

    number: int
    owner: Name
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything a start needs to know."""

    streams: Sequence[StreamRow]
    cursors: Sequence[tuple[int, int, Name, int]]
    retries: Sequence[tuple[int, int, int, float, bytes | None]]
    dropped: Sequence[int]
    last_stream: int
    last_cursor: int
    used: int


@dataclass(slots=True, eq=False)
class DiskReader:
    path: Path
    _db: sqlite3.Connection
    _writer: sqlite3.Connection
    _one: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    @classmethod
    def open(cls, path: Path, opener: Callable[[Path], sqlite3.Connection]) -> DiskReader:
        """Open or make the file. Blocks. Raises Unavailable."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = opener(path)
            version = writer.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, sql.SCHEMA_VERSION):
                raise _cannot_open(path, f"its format {version} is newer than this program")
            for statement in sql.SCHEMA:
                writer.execute(statement)
            return cls(path, opener(path), writer)
        except (sqlite3.Error, OSError) as error:
            raise _cannot_open(path, "it cannot be read and written") from error

    def take_writer(self) -> sqlite3.Connection:
        """The connection on which the schema was made, for the one who writes."""
        return self._writer

    async def close(self) -> None:
        await self._on_thread(self._db.close)

    async def load(self) -> Loaded:
        return await self._on_thread(self._load)

    async def usage(self) -> tuple[int, int]:
        """Bytes in use inside the file, and bytes free on its disk."""
        return await self._on_thread(lambda: (self._used(), shutil.disk_usage(self.path).free))

    async def span(self, stream: int, first: int, last: int) -> dict[int, Event]:
        """Consecutive events; may stop early once they weigh SPAN_BYTES_MAX."""
        return await self._on_thread(lambda: self._span(stream, first, last))

    async def some(self, stream: int, seqs: Sequence[int]) -> dict[int, Event]:
        """The events with these sequence numbers."""
        return await self._on_thread(lambda: self._some(stream, seqs))

    async def nth_id(self, low: int, high: int, count: int) -> int | None:
        """The row that ends the first `count` rows of a range; None when the range is empty."""
        query = "SELECT max(id) FROM (SELECT id FROM events WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?)"
        found: int | None = (await self._rows(query, low, high, count))[0][0]
        return found

    async def dead_letters(self, cursor: int, limit: int) -> list[DeadLetter]:
        query = "SELECT seq, at, failure, meta, data FROM dead WHERE cursor=? ORDER BY seq LIMIT ?"
        found = []
        for seq, at, why, meta, data in await self._rows(query, cursor, limit):
            failure = sql.load_failure(why)
            assert failure is not None
            found.append(DeadLetter(seq, unpack(meta, data), failure, at))
        return found

    async def _on_thread(self, read: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(read, limiter=self._one)

    async def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._on_thread(lambda: self._db.execute(query, values).fetchall())

    def _used(self) -> int:
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _span(self, stream: int, first: int, last: int) -> dict[int, Event]:
        query = "SELECT id, meta, data FROM events WHERE id BETWEEN ? AND ? ORDER BY id"
        low = sql.rowid(stream, 0)
        found: dict[int, Event] = {}
        weight = 0
        for row, meta, data in self._db.execute(query, (low + first, low + last)):
            event = found[row - low] = unpack(meta, data)
            weight += event.size
            if weight >= SPAN_BYTES_MAX:
                break
        return found

    def _some(self, stream: int, seqs: Sequence[int]) -> dict[int, Event]:
        low = sql.rowid(stream, 0)
        marks = ",".join("?" * len(seqs))
        query = f"SELECT id, meta, data FROM events WHERE id IN ({marks})"
        rows = self._db.execute(query, [low + seq for seq in seqs])
        return {row - low: unpack(meta, data) for row, meta, data in rows}

    def _load(self) -> Loaded:
        streams, dropped, last_stream = [], [], 0
        for number, namespace, name, uid, gone in self._db.execute("SELECT * FROM streams"):
            last_stream = max(last_stream, number)
            if gone:
                dropped.append(number)
            else:
                streams.append(self._stream(number, Name(namespace, name, uid)))
        cursors = [
            (number, stream, Name(namespace, name, uid), position)
            for number, stream, namespace, name, uid, position in self._db.execute(
                "SELECT number, stream, namespace, name, uid, position FROM cursors"
            )
        ]
        retries = self._db.execute("SELECT cursor, seq, attempts, due, failure FROM retries")
        last_cursor = max((row[0] for row in cursors), default=0)
        return Loaded(
            streams, cursors, retries.fetchall(), dropped, last_stream, last_cursor, self._used()
        )

    def _stream(self, number: int, owner: Name) -> StreamRow:
        low, high = sql.rowid(number, 0), sql.rowid(number + 1, 0) - 1
        first, last = self._db.execute(
            "SELECT min(id), max(id) FROM events WHERE id BETWEEN ? AND ?", (low, high)
        ).fetchone()
        if last is None:
            return StreamRow(number, owner, 1, 0)
        return StreamRow(number, owner, first - low, last - low)


def _cannot_open(path: Path, why: str) -> Unavailable:
    return Unavailable(
        "event-log-unusable",
        f"the event log {path} cannot be opened: {why}",
        hint="check the disk and the rights of that file, or move it away to begin with an empty log",
    )
