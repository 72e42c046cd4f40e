from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.rng import system_rng
from tanebi.kube.errors import Unreachable
from tanebi.kube.faulty import (
    WRITE_FAULTS,
    Chooser,
    Fault,
    FaultyTransport,
    Odds,
    never,
    scripted,
)
from tanebi.kube.transport import Request, Response, Stream

pytestmark = pytest.mark.anyio

GET, POST = Request("GET", "/x"), Request("POST", "/x")


class Inner:
    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.requests = 0

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        self.requests += 1
        return Response(200, {}, b"ok")

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                yield chunk

        yield Stream(200, {}, chunks())


def faulty(inner: Inner, choose: Chooser) -> FaultyTransport:
    faults = (Fault.BREAK, Fault.DUPLICATE, Fault.DROP)
    return FaultyTransport(inner, choose, clock=SystemClock(), line_faults=faults)


async def read(transport: FaultyTransport) -> tuple[int, bytes]:
    async with transport.stream(GET) as stream:
        return stream.status, b"".join([chunk async for chunk in stream.chunks])


@pytest.mark.parametrize(
    ("fault", "status", "carried_out"),
    [
        (Fault.NONE, 200, 1),
        (Fault.SLOW, 200, 1),
        (Fault.CONFLICT, 409, 0),
        (Fault.UNAVAILABLE, 503, 0),
        (Fault.LOST_REQUEST, 0, 0),
        (Fault.LOST_ANSWER, 0, 1),
    ],
)
async def test_requests(fault: Fault, status: int, carried_out: int) -> None:
    inner = Inner()
    transport = faulty(inner, scripted([fault]))
    if status:
        assert (await transport.request(POST, timeout_s=1)).status == status
    else:
        with pytest.raises(Unreachable):
            await transport.request(POST, timeout_s=1)
    assert inner.requests == carried_out


async def test_reads_never_conflict() -> None:
    transport = faulty(Inner(), scripted([Fault.CONFLICT]))
    assert (await transport.request(GET, timeout_s=1)).status == 200
    assert (await transport.request(POST, timeout_s=1)).status == 409
    assert transport.happened == [Fault.CONFLICT]


async def test_lines() -> None:
    assert await read(faulty(Inner(b"a\nb", b"\nc"), never)) == (200, b"a\nb\nc")
    assert await read(faulty(Inner(b"a\nb\n"), scripted([Fault.DROP]))) == (200, b"b\n")
    assert await read(faulty(Inner(b"a\nb\n"), scripted([Fault.DUPLICATE]))) == (
        200,
        b"a\na\nb\n",
    )
    with pytest.raises(Unreachable):
        await read(faulty(Inner(b"a\nb\n"), scripted([Fault.BREAK])))


async def test_a_watch_may_be_refused() -> None:
    status, body = await read(faulty(Inner(b"a\n"), scripted([Fault.GONE])))
    assert status == 410
    assert b"Expired" in body
    with pytest.raises(Unreachable):
        await read(faulty(Inner(), scripted([Fault.LOST_REQUEST])))


def test_odds_follow_the_seed_until_healed() -> None:
    one, other = Odds(system_rng(5), 0.5), Odds(system_rng(5), 0.5)
    drawn = [one(WRITE_FAULTS) for _ in range(200)]
    assert drawn == [other(WRITE_FAULTS) for _ in range(200)]
    assert set(drawn) == {Fault.NONE, *WRITE_FAULTS}
    one.heal()
    assert {one(WRITE_FAULTS) for _ in range(50)} == {Fault.NONE}
