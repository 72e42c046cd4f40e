"""The dispatcher's own promises: order, windows, pauses. What it does end to end is in test_broker.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from eventing import metrics
from eventing.delivery import START, Failure, Progress, Target
from eventing.dispatcher import Dispatcher, Route
from eventing.events import Event
from eventing.filters import everything
from eventing.log import Name, Record
from eventing.retry import RetryPolicy
from eventing.window import SIZE_MAX
from tanebi.base.clock import SystemClock
from tanebi.http.client import HttpClient
from tanebi.http.errors import StaleConnection
from tanebi.http.messages import Headers, HttpResponse
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

TRIGGER, BROKER = Name("shop", "audit", "t-1"), Name("shop", "default", "b-1")
ROUTE = Route(Target("http://sink/", "", RetryPolicy()), everything)


def record(seq: int, size: int = 1) -> Record:
    attributes = {"specversion": "1.0", "id": str(seq), "source": "/", "type": "t"}
    return Record(seq, Event(attributes, b"x" * size), START)


class Cursor:
    """Implements eventing.log.LogCursor over a list."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.waiting = list(records)
        self.outcomes: list[tuple[int, str]] = []
        self.backlog = 0

    async def read(self, count: int) -> Sequence[Record]:
        if not self.waiting:
            await anyio.sleep_forever()
        found, self.waiting = self.waiting[:count], self.waiting[count:]
        return found

    def done(self, record: Record) -> None:
        self.outcomes.append((record.seq, "done"))

    def again(self, record: Record, progress: Progress, after_s: float) -> None:
        self.outcomes.append((record.seq, "again"))

    def bury(self, record: Record, failure: Failure) -> None:
        self.outcomes.append((record.seq, f"bury {failure.reason}"))


Run = Callable[[Cursor], AbstractAsyncContextManager[Dispatcher]]


@pytest.fixture
def run(peer: Any) -> Run:
    @asynccontextmanager
    async def started(cursor: Cursor) -> AsyncIterator[Dispatcher]:
        dispatcher = Dispatcher(
            TRIGGER,
            BROKER,
            cursor=cursor,
            sender=peer,
            intake=None,  # type: ignore[arg-type]  # no reply in these tests
            clock=FakeClock(),
            meters=metrics.meters("shop", "audit", lambda: 0),
        )
        async with anyio.create_task_group() as tg:
            await tg.start(dispatcher.run)
            yield dispatcher
            tg.cancel_scope.cancel()

    return started


async def test_deliveries_overtake_each_other_only_within_the_window(run: Run, peer: Any) -> None:
    async def answer() -> HttpResponse:
        await anyio.lowlevel.checkpoint()
        return HttpResponse(202)

    peer.answers["http://sink/"] = lambda got: answer()
    cursor = Cursor([record(n) for n in range(1, 301)])
    async with run(cursor) as dispatcher:
        dispatcher.update(ROUTE)
        await wait_until(lambda: len(cursor.outcomes) == 300)
    order = [int(r.event.attributes["id"]) for r in peer.received]
    assert sorted(order) == list(range(1, 301))
    assert all(abs(number - place) <= SIZE_MAX for place, number in enumerate(order, 1))


@pytest.mark.parametrize(("stale", "outcome"), [(3, "done"), (4, "again")])
async def test_a_stale_connection_costs_no_attempt_unless_it_goes_on(
    run: Run, peer: Any, stale: int, outcome: str
) -> None:
    left = stale

    async def answer() -> HttpResponse:
        nonlocal left
        left -= 1
        if left >= 0:
            raise StaleConnection("stale-connection", "closed before it said anything")
        return HttpResponse(202)

    peer.answers["http://sink/"] = lambda got: answer()
    cursor = Cursor([record(1)])
    async with run(cursor) as dispatcher:
        dispatcher.update(replace(ROUTE, target=Target("http://sink/", "", RetryPolicy(retries=1))))
        await wait_until(lambda: cursor.outcomes)
    assert cursor.outcomes == [(1, outcome)]
    assert len({tuple(got.headers) for got in peer.received}) == 1, "sent alike each time"


async def test_an_event_that_cannot_be_a_request_holds_up_nobody(run: Run, peer: Any) -> None:
    broken = record(1)
    broken.event.attributes["datacontenttype"] = "text/plain\r\nX-Smuggled: 1"
    cursor = Cursor([broken, record(2)])
    async with run(cursor) as dispatcher:
        dispatcher.update(ROUTE)
        await wait_until(lambda: len(cursor.outcomes) == 2)
    assert sorted(cursor.outcomes) == [(1, "bury cannot be sent: ValueError"), (2, "done")]
    assert len(peer.received) == 1


async def test_the_window_bounds_what_is_under_way(run: Run, peer: Any) -> None:
    gate = anyio.Event()

    async def answer() -> HttpResponse:
        await gate.wait()
        return HttpResponse(202)

    peer.answers["http://sink/"] = lambda got: answer()
    cursor = Cursor([record(n) for n in range(1, 201)])
    async with run(cursor) as dispatcher:
        dispatcher.update(ROUTE)
        await wait_until(lambda: len(peer.received) == 16)
        await anyio.sleep(0.02)
        assert len(peer.received) == 16
        assert cursor.waiting, "what cannot be sent yet is not read"
        gate.set()
        await wait_until(lambda: len(cursor.outcomes) == 200)


async def test_large_events_go_one_by_one(run: Run, peer: Any) -> None:
    gates: list[anyio.Event] = []

    def answer(got: Any) -> Awaitable[HttpResponse]:
        gate = anyio.Event()
        gates.append(gate)

        async def later() -> HttpResponse:
            await gate.wait()
            return HttpResponse(202)

        return later()

    peer.answers["http://sink/"] = answer
    cursor = Cursor([record(n, 20 << 20) for n in (1, 2, 3)])
    async with run(cursor) as dispatcher:
        dispatcher.update(ROUTE)
        for number in (1, 2, 3):
            await wait_until(lambda number=number: len(gates) == number)
            await anyio.sleep(0.01)
            assert len(gates) == number
            gates[-1].set()
        await wait_until(lambda: len(cursor.outcomes) == 3)


async def test_paused_until_there_is_a_route(run: Run, peer: Any) -> None:
    cursor = Cursor([record(1), record(2)])
    async with run(cursor) as dispatcher:
        await anyio.sleep(0.02)
        assert not peer.received
        dispatcher.update(ROUTE)
        await wait_until(lambda: len(cursor.outcomes) == 2)
        dispatcher.update(None)
        cursor.waiting = [record(3)]
        await anyio.sleep(0.02)
        assert len(peer.received) == 2


async def test_a_route_that_changes_holds_from_the_next_delivery(run: Run, peer: Any) -> None:
    cursor = Cursor([record(1)])
    async with run(cursor) as dispatcher:
        dispatcher.update(Route(Target("http://other/", "", RetryPolicy()), everything))
        await wait_until(lambda: cursor.outcomes)
    assert [r.url for r in peer.received] == ["http://other/"]


async def test_a_sink_that_was_taken_away(run: Run, peer: Any) -> None:
    lost = record(1)
    lost.progress = Progress(1, Failure("http://sink/", 500, "answered 500"))
    cursor = Cursor([lost])
    async with run(cursor) as dispatcher:
        dispatcher.update(ROUTE)
        await wait_until(lambda: cursor.outcomes)
    assert cursor.outcomes == [(1, "bury answered 500")]
    assert not peer.received


async def test_what_is_not_wanted_is_answered_for_without_sending(run: Run, peer: Any) -> None:
    cursor = Cursor([record(n) for n in range(1, 101)])
    async with run(cursor) as dispatcher:
        dispatcher.update(Route(ROUTE.target, lambda attributes: attributes["id"] == "50"))
        await wait_until(lambda: len(cursor.outcomes) == 100)
    assert [r.event.attributes["id"] for r in peer.received] == ["50"]


# --- over real connections -------------------------------------------------------------------------


class Wire:
    """Implements tanebi.http.messages.Sender over the real client."""

    def __init__(self) -> None:
        self.client = HttpClient(SystemClock())

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        return await self.client.request(
            method, url, headers, body, timeout_s=timeout_s, response_max=response_max
        )


Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.transport.abort()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"\x16\x03\x01 what is this?\r\n\r\n")


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(1600):
            writer.write(b"x" * 65536)
            await writer.drain()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


async def fine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (hang, "no complete answer"),
        (reset, ""),
        (garbage, "not HTTP"),
        (endless, "exceeds"),
        (half, ""),
        (fine, "done"),
    ],
)
async def test_subscribers_that_misbehave(behave: Behave, outcome: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    cursor, wire = Cursor([record(1)]), Wire()
    dispatcher = Dispatcher(
        TRIGGER,
        BROKER,
        cursor=cursor,
        sender=wire,
        intake=None,  # type: ignore[arg-type]
        clock=FakeClock(),
        meters=metrics.meters("shop", "audit", lambda: 0),
    )
    target = Target(f"http://127.0.0.1:{port}/", "", RetryPolicy(timeout_s=0.5))
    dispatcher.update(Route(target, everything))
    async with anyio.create_task_group() as tg:
        await tg.start(dispatcher.run)
        await wait_until(lambda: cursor.outcomes, 10.0)
        tg.cancel_scope.cancel()
    wire.client.close()
    server.close()
    ((_, what),) = cursor.outcomes
    assert what == "done" if behave is fine else what.startswith("bury ")
    assert outcome in what


async def test_nobody_listens() -> None:
    cursor, wire = Cursor([record(1)]), Wire()
    dispatcher = Dispatcher(
        TRIGGER,
        BROKER,
        cursor=cursor,
        sender=wire,
        intake=None,  # type: ignore[arg-type]
        clock=FakeClock(),
        meters=metrics.meters("shop", "audit", lambda: 0),
    )
    dispatcher.update(Route(Target("http://127.0.0.1:1/", "", RetryPolicy()), everything))
    async with anyio.create_task_group() as tg:
        await tg.start(dispatcher.run)
        await wait_until(lambda: cursor.outcomes)
        tg.cancel_scope.cancel()
    ((_, what),) = cursor.outcomes
    assert what.startswith("bury no connection")
