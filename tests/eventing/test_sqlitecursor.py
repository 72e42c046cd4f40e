"""A place in the SQLite log where the disk does not hold what it should. The rest is in tests/contract/test_event_log.py."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from eventing.delivery import Progress
from eventing.events import Event
from eventing.log import LogCursor, Name, Record
from eventing.sqlitecursor import DUE_MAX
from eventing.sqlitelog import SqliteEventLog
from tanebi.base.clock import SystemClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

BROKER = Name("default", "orders", "b-1")
TRIGGER = Name("default", "audit", "t-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
async def cursor(path: Path) -> AsyncIterator[LogCursor]:
    """A trigger before forty events, of which 7 to 9 have vanished from the disk."""
    async with anyio.create_task_group() as tg:
        log = SqliteEventLog(path, SystemClock())
        await tg.start(log.run)
        log.stream(BROKER)
        log.cursor(BROKER, TRIGGER)
        for number in range(1, 41):
            attributes = {"specversion": "1.0", "id": str(number), "source": "/", "type": "t"}
            await log.append(BROKER, Event(attributes))
        tg.cancel_scope.cancel()
    db = sqlite3.connect(path)
    db.execute("DELETE FROM events WHERE id & 255 BETWEEN 7 AND 9")
    db.commit()
    db.close()
    async with anyio.create_task_group() as tg:
        log = SqliteEventLog(path, SystemClock())
        await tg.start(log.run)
        yield log.cursor(BROKER, TRIGGER)
        tg.cancel_scope.cancel()


async def read(cursor: LogCursor, count: int) -> list[Record]:
    found: list[Record] = []
    with anyio.fail_after(5.0):
        while len(found) < count:
            found += await cursor.read(count - len(found))
    return found


async def test_events_that_vanished_hold_nobody_up(cursor: LogCursor) -> None:
    records = await read(cursor, 37)
    assert [r.seq for r in records] == [*range(1, 7), *range(10, 41)]
    for record in records:
        cursor.done(record)
    assert cursor.backlog == 0


async def test_retries_whose_event_vanished_are_given_up(cursor: LogCursor, path: Path) -> None:
    records = await read(cursor, 37)
    for record in records:
        cursor.again(record, Progress(1), 0.05)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM events WHERE id & 255 < 20")
    db.commit()
    db.close()
    found = await read(cursor, 21)
    assert [r.seq for r in found] == list(range(20, 41))
    assert {r.progress for r in found} == {Progress(1)}
    await wait_until(lambda: cursor.backlog == 21)


async def test_many_retries_are_read_in_small_portions(cursor: LogCursor) -> None:
    for record in await read(cursor, 37):
        cursor.again(record, Progress(1), 0.0)
    assert len(await cursor.read(64)) == DUE_MAX
