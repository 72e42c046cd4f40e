"""The event log's tables, and its writes as statements for the group committer.

    streams   one row a broker: number, owner, whether it is being deleted
    events    rowid = stream number << SEQ_BITS | sequence number, so that a broker's events lie together in order
    cursors   one row a trigger: its stream and position
    retries   events that a trigger has failed to deliver and will try again at `due` (civil seconds)
    dead      events that nobody took, with why

Rows go in many at a time: each step of SQLite gives up the interpreter's lock, and taking it back from a busy loop is what costs.
Pure. Caller: eventing.sqlitelog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson

from eventing.delivery import Failure, Progress

SEQ_BITS: Final = 40
SCHEMA_VERSION: Final = 1
ROWS_MAX: Final = 64

Statement = tuple[str, Sequence[Any]]

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS streams(number INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " uid TEXT NOT NULL, dropped INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY, at REAL NOT NULL, meta BLOB NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS cursors(number INTEGER PRIMARY KEY, stream INTEGER NOT NULL, namespace TEXT NOT NULL,"
    " name TEXT NOT NULL, uid TEXT NOT NULL, position INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS retries(cursor INTEGER NOT NULL, seq INTEGER NOT NULL, event INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, due REAL NOT NULL, failure BLOB, PRIMARY KEY(cursor, seq)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS retries_event ON retries(event)",
    "CREATE TABLE IF NOT EXISTS dead(cursor INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, failure BLOB NOT NULL,"
    " meta BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY(cursor, seq))",
    "CREATE INDEX IF NOT EXISTS dead_at ON dead(at)",
    f"PRAGMA user_version={SCHEMA_VERSION}",
)


def rowid(stream: int, seq: int) -> int:
    return stream << SEQ_BITS | seq


def insert_events(rows: Sequence[tuple[int, float, bytes, bytes]]) -> Iterator[Statement]:
    return _insert("INSERT INTO events VALUES ", "(?,?,?,?)", rows)


def insert_retries(
    rows: Sequence[tuple[int, int, int, int, float, bytes | None]],
) -> Iterator[Statement]:
    return _insert("INSERT OR REPLACE INTO retries VALUES ", "(?,?,?,?,?,?)", rows)


def insert_dead(rows: Sequence[tuple[int, int, float, bytes, bytes, bytes]]) -> Iterator[Statement]:
    return _insert("INSERT OR REPLACE INTO dead VALUES ", "(?,?,?,?,?,?)", rows)


def delete_retries(cursor: int, seqs: Sequence[int]) -> Iterator[Statement]:
    for some in _chunks(seqs):
        marks = ",".join("?" * len(some))
        yield f"DELETE FROM retries WHERE cursor=? AND seq IN ({marks})", (cursor, *some)


def delete_unwanted(ids: Sequence[int]) -> Iterator[Statement]:
    """Events below the trimmed position that were kept for a retry, once nobody retries them."""
    for some in _chunks(ids):
        marks = ",".join("?" * len(some))
        sql = f"DELETE FROM events WHERE id IN ({marks}) AND id NOT IN (SELECT event FROM retries)"
        yield sql, some


def delete_range(first: int, last: int) -> Statement:
    """Events that every trigger has passed, but for those that somebody retries."""
    sql = "DELETE FROM events WHERE id BETWEEN ? AND ? AND id NOT IN (SELECT event FROM retries WHERE event BETWEEN ? AND ?)"
    return sql, (first, last, first, last)


def drop_cursor(number: int) -> list[Statement]:
    return [
        ("DELETE FROM cursors WHERE number=?", (number,)),
        ("DELETE FROM retries WHERE cursor=?", (number,)),
        ("DELETE FROM dead WHERE cursor=?", (number,)),
    ]


def dump_failure(failure: Failure | None) -> bytes | None:
    if failure is None:
        return None
    body = failure.body.decode("latin-1")
    return orjson.dumps([failure.url, failure.status, failure.reason, body])


def load_failure(text: bytes | None) -> Failure | None:
    if text is None:
        return None
    url, status, reason, body = orjson.loads(text)
    return Failure(url, status, reason, body.encode("latin-1"))


def load_progress(attempts: int, failure: bytes | None) -> Progress:
    return Progress(attempts, load_failure(failure))


def _insert(head: str, marks: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[Statement]:
    for some in _chunks(rows):
        yield head + ",".join([marks] * len(some)), [value for row in some for value in row]


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Pieces whose lengths are powers of two, so that few different statements are ever compiled."""
    at = 0
    while at < len(rows):
        size = min(ROWS_MAX, 1 << ((len(rows) - at).bit_length() - 1))
        yield rows[at : at + size]
        at += size
