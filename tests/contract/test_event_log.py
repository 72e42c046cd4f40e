"""What every event log must do. SQLite is the only one so far; a new implementation joins `open_log`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from eventing.delivery import START, Failure, Progress
from eventing.events import Event
from eventing.log import EventLog, LogCursor, Name, Record, Retention
from eventing.sqlitelog import SqliteEventLog
from tanebi.base.clock import SystemClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

BROKER = Name("default", "orders", "b-1")
TRIGGER = Name("default", "audit", "t-1")
OTHER = Name("default", "mail", "t-2")
FAILURE = Failure("http://sink/", 422, "answered 422", b"no\xff")

OpenLog = Callable[[], AbstractAsyncContextManager[EventLog]]


@pytest.fixture
def open_log(tmp_path: Path) -> OpenLog:
    """Opens the same log again and again."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[EventLog]:
        log = SqliteEventLog(tmp_path / "events.db", SystemClock(), Retention())
        async with anyio.create_task_group() as tg:
            await tg.start(log.run)
            yield log
            tg.cancel_scope.cancel()

    return opened


def event(number: int, data: bytes = b"{}") -> Event:
    attributes = {"specversion": "1.0", "id": str(number), "source": "/s", "type": "t"}
    return Event(attributes, data, ((b"x-request-id", b"r\xe9"),))


async def take(cursor: LogCursor, count: int, timeout_s: float = 5.0) -> list[Record]:
    """Exactly `count` records, however many reads they take."""
    found: list[Record] = []
    with anyio.fail_after(timeout_s):
        while len(found) < count:
            found += await cursor.read(count - len(found))
    return found


def ids(records: list[Record]) -> list[int]:
    return [int(record.event.attributes["id"]) for record in records]


async def nothing_to_read(cursor: LogCursor) -> bool:
    with anyio.move_on_after(0.1):
        await cursor.read(1)
        return False
    return True


async def test_events_are_read_in_order_and_whole(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(5):
            await log.append(BROKER, event(number, bytes([number]) * 3))
        records = await take(cursor, 5)
        assert ids(records) == [0, 1, 2, 3, 4]
        assert [r.event.data for r in records] == [bytes([n]) * 3 for n in range(5)]
        assert records[0].event.passed == ((b"x-request-id", b"r\xe9"),)
        assert records[0].progress == START
        assert cursor.backlog == 5


async def test_concurrent_appends_all_arrive(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        async with anyio.create_task_group() as tg:
            for number in range(700):
                tg.start_soon(log.append, BROKER, event(number))
        assert sorted(ids(await take(cursor, 700))) == list(range(700))


async def test_a_new_cursor_begins_at_the_end(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        await log.append(BROKER, event(1))
        cursor = log.cursor(BROKER, TRIGGER)
        assert cursor.backlog == 0
        await log.append(BROKER, event(2))
        assert ids(await take(cursor, 1)) == [2]


async def test_streams_do_not_mix(open_log: OpenLog) -> None:
    second = Name("default", "other", "b-2")
    async with open_log() as log:
        log.stream(BROKER)
        log.stream(second)
        cursor, other = log.cursor(BROKER, TRIGGER), log.cursor(second, OTHER)
        await log.append(BROKER, event(1))
        await log.append(second, event(2))
        assert ids(await take(cursor, 1)) == [1]
        assert ids(await take(other, 1)) == [2]


async def test_progress_survives_a_restart(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(10):
            await log.append(BROKER, event(number))
        for record in await take(cursor, 6):
            cursor.done(record)
    async with open_log() as log:
        assert log.streams() == [BROKER]
        assert log.cursors() == [TRIGGER]
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        assert cursor.backlog == 4
        assert ids(await take(cursor, 4)) == [6, 7, 8, 9]
        await log.append(BROKER, event(10))
        assert ids(await take(cursor, 1)) == [10]


async def test_what_is_in_flight_is_delivered_again(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(4):
            await log.append(BROKER, event(number))
        records = await take(cursor, 4)
        cursor.done(records[0])
        cursor.done(records[2])
    async with open_log() as log:
        again = ids(await take(log.cursor(BROKER, TRIGGER), 3))
        assert again == [1, 2, 3], (
            "2 was answered for out of order: it may come again, 1 and 3 must"
        )


async def test_retries_come_back_when_due_with_their_progress(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(1))
        await log.append(BROKER, event(2))
        first, second = await take(cursor, 2)
        cursor.again(first, Progress(1), 0.05)
        cursor.again(second, Progress(0, FAILURE), 0.0)
        found = await take(cursor, 2)
        assert ids(found) == [2, 1]
        assert [r.progress for r in found] == [Progress(0, FAILURE), Progress(1)]
        for record in found:
            cursor.done(record)
        assert cursor.backlog == 0
        assert await nothing_to_read(cursor)


async def test_retries_survive_a_restart(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(3):
            await log.append(BROKER, event(number))
        records = await take(cursor, 3)
        cursor.again(records[0], Progress(3), 0.3)
        cursor.again(records[1], Progress(1, FAILURE), 0.0)
        cursor.done(records[2])
    async with open_log() as log:
        cursor = log.cursor(BROKER, TRIGGER)
        assert cursor.backlog == 2
        found = await take(cursor, 2)
        assert [(r.seq, r.progress) for r in found] == [
            (records[1].seq, Progress(1, FAILURE)),
            (records[0].seq, Progress(3)),
        ]
        assert found[0].event.data == b"{}"


async def test_retries_among_new_events_do_not_stop_the_reader(open_log: OpenLog) -> None:
    """After a crash the head may be unanswered for while everything behind it, and more than one read, waits as retries."""
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        for number in range(200):
            await log.append(BROKER, event(number))
        records = await take(cursor, 199)
        for record in records[1:]:
            cursor.again(record, Progress(1), 60.0)
    async with open_log() as log:
        again = log.cursor(BROKER, TRIGGER)
        assert again.backlog == 200
        assert ids([*await take(again, 2)]) == [0, 199]


async def test_dead_letters_are_kept(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(1, b"\x00\xff"))
        (record,) = await take(cursor, 1)
        cursor.bury(record, FAILURE)
        assert cursor.backlog == 0
    async with open_log() as log:
        assert log.cursor(BROKER, TRIGGER).backlog == 0
        (dead,) = await log.dead_letters(TRIGGER, limit=10)
        assert (dead.seq, dead.failure, dead.event.data) == (record.seq, FAILURE, b"\x00\xff")
        assert await log.dead_letters(OTHER, limit=10) == ()


async def test_a_dropped_cursor_is_forgotten(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(1))
        log.drop_cursor(TRIGGER)
        log.drop_cursor(TRIGGER)
        assert log.cursors() == []
        assert log.cursor(BROKER, TRIGGER).backlog == 0, "it begins at the end like any new one"
        log.drop_cursor(TRIGGER)
    async with open_log() as log:
        assert log.cursors() == []


async def test_a_dropped_stream_is_forgotten(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(1))
        log.drop_stream(BROKER)
        log.drop_stream(BROKER)
        with pytest.raises(KeyError):
            await log.append(BROKER, event(2))
        with pytest.raises(KeyError):
            log.cursor(BROKER, TRIGGER)
        assert (log.streams(), log.cursors()) == ([], [])
    async with open_log() as log:
        assert (log.streams(), log.cursors()) == ([], [])
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        await log.append(BROKER, event(3))
        assert ids(await take(cursor, 1)) == [3]


async def test_a_cursor_that_fell_behind_reads_everything(open_log: OpenLog) -> None:
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        payload = b"x" * 200_000  # more than any memory tail keeps
        async with anyio.create_task_group() as tg:
            for number in range(100):
                tg.start_soon(log.append, BROKER, event(number, payload))
        seen: list[int] = []
        while len(seen) < 100:
            for record in await take(cursor, min(20, 100 - len(seen))):
                assert record.event.data == payload
                seen.append(record.seq)
                cursor.done(record)
        assert seen == sorted(seen)


async def test_a_held_back_head_does_not_stop_the_rest(open_log: OpenLog) -> None:
    """One delivery hangs while thousands behind it are answered for; a restart repeats few of those."""
    async with open_log() as log:
        log.stream(BROKER)
        cursor = log.cursor(BROKER, TRIGGER)
        async with anyio.create_task_group() as tg:
            for number in range(5000):
                tg.start_soon(log.append, BROKER, event(number))
        (hung,) = await take(cursor, 1)
        for _ in range(4999):
            cursor.done((await take(cursor, 1))[0])
        await wait_until(lambda: cursor.backlog == 1)
        await anyio.sleep(0.1)  # a flush, so that the restart knows
    async with open_log() as log:
        again = log.cursor(BROKER, TRIGGER)
        assert again.backlog <= 2048
        assert hung.seq in [r.seq for r in await take(again, again.backlog)]
