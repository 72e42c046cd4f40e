"""What only the SQLite log promises: crashes, broken disks, bounds. The rest is in tests/contract/test_event_log.py."""

from __future__ import annotations

import os
import random
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from eventing.delivery import Failure, Progress
from eventing.events import Event
from eventing.log import LogCursor, Name, Record, Retention
from eventing.sqlitelog import SqliteEventLog
from tanebi.base.clock import SystemClock
from tanebi.base.errors import Unavailable
from tanebi.base.groupcommit import connect
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

BROKER = Name("default", "orders", "b-1")
TRIGGER = Name("default", "audit", "t-1")


def event(number: int, data: bytes = b"{}") -> Event:
    return Event({"specversion": "1.0", "id": str(number), "source": "/s", "type": "t"}, data)


@asynccontextmanager
async def running(log: SqliteEventLog) -> AsyncIterator[SqliteEventLog]:
    async with anyio.create_task_group() as tg:
        await tg.start(log.run)
        yield log
        tg.cancel_scope.cancel()


def rows(path: Path, query: str) -> list[Any]:
    with sqlite3.connect(path) as db:
        found = db.execute(query).fetchall()
    db.close()
    return found


async def drain(cursor: LogCursor) -> list[Record]:
    """A small backlog, unanswered."""
    assert cursor.backlog < 2000
    found: list[Record] = []
    while cursor.backlog > len(found):
        found += await cursor.read(64)
    return found


CHILD = """
import sys, os, itertools, anyio, uvloop, asyncio
from pathlib import Path
from eventing.delivery import Progress
from eventing.events import Event
from eventing.log import Name
from eventing.sqlitelog import SqliteEventLog
from tanebi.base.clock import SystemClock

BROKER, TRIGGER = Name("default", "orders", "b-1"), Name("default", "audit", "t-1")
numbers = itertools.count(int(sys.argv[2]))
say = lambda text: os.write(1, (text + chr(10)).encode())

async def produce(log):
    while True:
        n = next(numbers)
        await log.append(BROKER, Event({"specversion": "1.0", "id": str(n), "source": "/", "type": "t"}, b"x" * (n % 300)))
        say(f"A {n}")

async def consume(cursor):
    turn = 0
    while True:
        for record in await cursor.read(16):
            turn += 1
            await anyio.sleep(0)
            if turn % 7 == 0 and record.progress.attempts < 3:
                cursor.again(record, Progress(record.progress.attempts + 1), 0.01)
            else:
                say(f"D {record.event.attributes['id']}")
                cursor.done(record)

async def main():
    log = SqliteEventLog(Path(sys.argv[1]), SystemClock())
    async with anyio.create_task_group() as tg:
        await tg.start(log.run)
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        say("READY 0")
        for _ in range(16):
            tg.start_soon(produce, log)
        tg.start_soon(consume, cursor)

uvloop.install()
asyncio.run(main())
"""


def crash_once(path: Path, first: int, rng: random.Random) -> tuple[set[int], set[int]]:
    """Run the child, kill it at some moment; what it said it had accepted and delivered."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert child.stdout is not None
    kill_at = time.monotonic() + 20.0
    said = b""
    while time.monotonic() < kill_at:
        if select.select([child.stdout], [], [], 0.01)[0]:
            said += os.read(child.stdout.fileno(), 1 << 16)
        if b"READY" in said and kill_at - time.monotonic() > 1.0:
            kill_at = time.monotonic() + rng.uniform(0.05, 0.5)
    child.kill()
    said += child.stdout.read()
    child.stdout.close()
    child.wait()
    lines = [line.split() for line in said.decode().splitlines() if line.count(" ") == 1]
    accepted = {int(n) for what, n in lines if what == "A"}
    delivered = {int(n) for what, n in lines if what == "D"}
    return accepted, delivered


async def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "events.db"
    accepted: set[int] = set()
    delivered: set[int] = set()
    for turn in range(4):
        new, done = await anyio.to_thread.run_sync(crash_once, path, turn * 1_000_000, rng)
        assert len(new) > 20, "the child worked"
        accepted |= new
        delivered |= done
    async with running(SqliteEventLog(path, SystemClock())) as log:
        cursor = log.cursor(BROKER, TRIGGER)
        left = set[int]()
        while cursor.backlog:  # answered one by one: not more than 2048 are handed out unanswered
            for record in await cursor.read(64):
                left.add(int(record.event.attributes["id"]))
                cursor.done(record)
    missing = accepted - delivered - left
    assert not missing, f"{len(missing)} of {len(accepted)} acknowledged events are lost"
    assert len(left & delivered) < 2500, "few events come again"


def small_disk(pages: int) -> Callable[[Path], sqlite3.Connection]:
    def opener(path: Path) -> sqlite3.Connection:
        db = connect(path)
        db.execute(f"PRAGMA max_page_count={pages}")
        return db

    return opener


async def test_a_full_disk_makes_it_read_only(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    log = SqliteEventLog(path, SystemClock(), opener=small_disk(60))
    kept = []
    async with running(log):
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        with pytest.raises(Unavailable) as refused:
            for number in range(1000):
                await log.append(BROKER, event(number, b"x" * 3000))
                kept.append(number)
        assert refused.value.code == "store-failed"
        assert log.failed
        with pytest.raises(Unavailable):
            await log.append(BROKER, event(0))
        with anyio.move_on_after(0.05) as scope:
            await cursor.read(1)
        assert scope.cancelled_caught, "nothing is handed out whose outcome cannot be recorded"
    async with running(SqliteEventLog(path, SystemClock())) as again:
        found = [int(r.event.attributes["id"]) for r in await drain(again.cursor(BROKER, TRIGGER))]
        assert found == kept


class FailingConnection(sqlite3.Connection):
    """Commits until told otherwise."""

    broken = False

    def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
        if statement == "COMMIT" and FailingConnection.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *args)


async def test_a_failed_fsync_is_never_acknowledged(tmp_path: Path) -> None:
    def opener(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=FailingConnection
        )

    path = tmp_path / "events.db"
    FailingConnection.broken = False
    log = SqliteEventLog(path, SystemClock(), opener=opener)
    async with running(log):
        log.stream(BROKER)
        log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(1))
        FailingConnection.broken = True
        refused = 0
        for number in range(2, 5):
            with pytest.raises(Unavailable):
                await log.append(BROKER, event(number))
            refused += 1
        FailingConnection.broken = False
        with pytest.raises(Unavailable):  # the disk may be well again, but the file is not trusted
            await log.append(BROKER, event(9))
    assert refused == 3
    async with running(SqliteEventLog(path, SystemClock())) as again:
        found = [r.event.attributes["id"] for r in await drain(again.cursor(BROKER, TRIGGER))]
        assert found == ["1"]


async def test_at_its_limit_the_log_refuses_and_recovers(tmp_path: Path) -> None:
    keep = Retention(disk_bytes=400_000, passed_s=0.0)
    log = SqliteEventLog(tmp_path / "events.db", SystemClock(), keep)
    async with running(log):
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        with pytest.raises(Unavailable) as refused:
            for number in range(1000):
                await log.append(BROKER, event(number, b"x" * 5000))
        assert refused.value.code == "log-full"
        assert "default/audit" in refused.value.message
        assert not log.failed
        for record in await drain(cursor):
            cursor.done(record)

        async def accepted() -> bool:
            try:
                await log.append(BROKER, event(0))
            except Unavailable:
                return False
            return True

        await wait_until(accepted, 8.0)


async def test_passed_events_are_trimmed_and_retried_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    log = SqliteEventLog(path, SystemClock(), Retention(passed_s=0.0))
    async with running(log):
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(20):
            await log.append(BROKER, event(number))
        records = await drain(cursor)
        for record in records[1:]:
            cursor.done(record)
        cursor.again(records[0], Progress(1), 2.5)
        await wait_until(lambda: len(rows(path, "SELECT id FROM events")) == 2, 6.0)
        (again,) = await cursor.read(1)
        assert again.event.attributes["id"] == "0"
        cursor.done(again)
        await wait_until(lambda: len(rows(path, "SELECT id FROM events")) == 1, 6.0)


async def test_passed_events_stay_as_long_as_retention_says(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    log = SqliteEventLog(path, SystemClock(), Retention(passed_s=3600.0))
    async with running(log):
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(20):
            await log.append(BROKER, event(number))
        for record in await drain(cursor):
            cursor.done(record)
        await anyio.sleep(1.3)  # past one round of housekeeping
        assert len(rows(path, "SELECT id FROM events")) == 20


async def test_dropped_streams_leave_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    log = SqliteEventLog(path, SystemClock())
    async with running(log):
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(20):
            await log.append(BROKER, event(number))
        (record,) = await cursor.read(1)
        cursor.bury(record, Failure("http://x/", None, "no answer"))
        log.drop_stream(BROKER)
        tables = ("streams", "events", "cursors", "retries", "dead")
        query = " UNION ALL ".join(f"SELECT '{name}' FROM {name}" for name in tables)
        await wait_until(lambda: rows(path, query) == [], 6.0)


async def test_many_bytes_in_flight_are_refused_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventing.sqlitelog.WAITING_BYTES_MAX", 10_000)
    log = SqliteEventLog(tmp_path / "events.db", SystemClock())
    codes: list[str] = []

    async def append(number: int) -> None:
        try:
            await log.append(BROKER, event(number, b"x" * 4000))
        except Unavailable as error:
            codes.append(error.code)

    async with running(log):
        log.stream(BROKER)
        async with anyio.create_task_group() as tg:
            for number in range(10):
                tg.start_soon(append, number)
        assert codes
        assert set(codes) == {"log-busy"}
        await log.append(BROKER, event(99))


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 5000]
)
async def test_a_damaged_file_is_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(content)
    with pytest.raises(BaseExceptionGroup) as error:
        async with running(SqliteEventLog(path, SystemClock())):
            pass
    assert "events.db" in repr(error.value)
    assert path.read_bytes() == content


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(BaseExceptionGroup) as error:
        async with running(SqliteEventLog(path, SystemClock())):
            pass
    assert "newer" in repr(error.value)
