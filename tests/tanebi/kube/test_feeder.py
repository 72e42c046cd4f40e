"""The feeder against a transport by script, on a clock that a test moves."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
import pytest

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.kube.client import Kube
from tanebi.kube.errors import Expired, Unreachable
from tanebi.kube.feeder import BACKOFF_FIRST_S, BACKOFF_MAX_S, Feeder
from tanebi.kube.transport import Request, Response, Stream
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

END, OPEN, BREAK = "end", "open", "break"


class Scripted:
    """Each list and watch takes its next answer: a status code for a list; lines and an ending for a watch."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.lists: deque[int] = deque()
        self.watches: deque[list[Any]] = deque()
        self.log: list[str] = []

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        self.log.append("list")
        status = self.lists.popleft() if self.lists else 200
        if status == 0:
            raise Unreachable("down")
        body = {"metadata": {"resourceVersion": "100"}, "items": []}
        return Response(status, {}, orjson.dumps(body) if status == 200 else b"")

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        self.log.append(f"watch {request.query['resourceVersion']}")
        script = self.watches.popleft() if self.watches else [OPEN]
        yield Stream(200, {}, self.chunks(script))

    async def chunks(self, script: list[Any]) -> AsyncIterator[bytes]:
        for step in script:
            match step:
                case "end":
                    return
                case "open":
                    await anyio.sleep_forever()
                case "break":
                    raise Unreachable("broken")
                case float():
                    self.clock.advance(step)
                case _:
                    yield orjson.dumps(step) + b"\n"


def added(version: int) -> dict[str, Any]:
    return {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": str(version)}}}


def bookmark(version: int) -> dict[str, Any]:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


GONE = {"type": "ERROR", "object": Expired("too old").to_status()}


class Bench:
    def __init__(self, *, relist_s: float = 1e9) -> None:
        self.clock = FakeClock()
        self.transport = Scripted(self.clock)
        self.events: list[Any] = []
        self.listed = 0
        self.feeder = Feeder(
            Kube(self.transport, field_manager="m"),
            CONFIG_MAP,
            clock=self.clock,
            listed=self.on_list,
            happened=self.events.append,
            relist_s=relist_s,
        )

    def on_list(self, items: Any, version: str) -> None:
        self.listed += 1

    async def until(self, *log: str, step_s: float = 0.0) -> None:
        def there() -> bool:
            if step_s:
                self.clock.advance(step_s)
            return self.transport.log == list(log)

        await wait_until(there, what=f"{log}, got {self.transport.log}")


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.feeder.run)
        yield
        tasks.cancel_scope.cancel()


async def test_it_lists_and_watches_from_there() -> None:
    bench = Bench()
    bench.transport.watches.append([added(101), OPEN])
    async with running(bench):
        await bench.until("list", "watch 100")
        await wait_until(lambda: bench.events)
    assert bench.listed == 1


async def test_a_watch_that_ends_in_its_time_is_taken_up_where_it_was() -> None:
    bench = Bench()
    bench.transport.watches.extend([[added(101), bookmark(105), 5.0, END], [OPEN]])
    async with running(bench):
        await bench.until("list", "watch 100", "watch 105")


async def test_a_broken_watch_resumes_after_a_pause() -> None:
    bench = Bench()
    bench.transport.watches.extend([[added(101), BREAK], [OPEN]])
    async with running(bench):
        await bench.until("list", "watch 100")
        await wait_until(lambda: bench.events)
        await anyio.sleep(0.01)
        assert bench.transport.log == ["list", "watch 100"], "did not pause"
        await bench.until("list", "watch 100", "watch 101", step_s=BACKOFF_FIRST_S)


async def test_an_expired_watch_lists_anew() -> None:
    bench = Bench()
    bench.transport.watches.extend([[GONE], [OPEN]])
    async with running(bench):
        await bench.until("list", "watch 100", "list", "watch 100", step_s=BACKOFF_FIRST_S)
    assert bench.listed == 2


async def test_a_server_that_ends_watches_at_once_is_not_stormed() -> None:
    bench = Bench()
    bench.transport.watches.extend([[END]] * 3)
    async with running(bench):
        await bench.until("list", "watch 100")
        await anyio.sleep(0.01)
        assert bench.transport.log == ["list", "watch 100"]


async def test_a_server_that_is_down_is_asked_ever_more_seldom() -> None:
    bench = Bench()
    bench.transport.lists.extend([0, 503, 500] * 10)
    async with running(bench):
        started = bench.clock.now()
        while len(bench.transport.log) < 20:
            bench.clock.advance(BACKOFF_MAX_S / 2)
            await anyio.sleep(0.001)
        assert bench.clock.now() - started >= 8 * BACKOFF_MAX_S


async def test_now_and_then_it_lists_to_be_sure() -> None:
    bench = Bench(relist_s=60.0)
    bench.transport.watches.extend([[bookmark(101), 70.0, END], [OPEN]])
    async with running(bench):
        await bench.until("list", "watch 100", "list", "watch 100")


async def test_nonsense_is_survived() -> None:
    bench = Bench()
    bench.transport.watches.extend([["<html>"], [OPEN]])
    async with running(bench):
        await bench.until("list", "watch 100", "watch 100", step_s=BACKOFF_FIRST_S)


def test_it_is_inert_until_run() -> None:
    bench = Bench()
    assert bench.transport.log == []
    check: Callable[[], Any] = bench.feeder.run
    assert callable(check)
