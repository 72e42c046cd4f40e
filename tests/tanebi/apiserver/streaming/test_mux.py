"""SPDY streams over a pipe: opened, read, held up, reset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
import pytest

from tanebi.apiserver.streaming import spdy
from tanebi.apiserver.streaming.mux import STREAM_AHEAD_MAX, STREAMS_MAX, Mux
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.streaming.pipes import MemoryPipe, SpdyClient, frames, received

pytestmark = pytest.mark.anyio


@dataclass
class Talk:
    mux: Mux
    pipe: MemoryPipe
    client: SpdyClient


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    pipe = MemoryPipe()
    mux = Mux(pipe)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mux.run)
        with anyio.fail_after(10):
            yield Talk(mux, pipe, SpdyClient())
        tasks.cancel_scope.cancel()


async def test_a_stream_both_ways(talk: Talk) -> None:
    talk.pipe.say(talk.client.open(1, {"streamtype": "data"}))
    talk.pipe.say(talk.client.data(1, b"in", end=True) + talk.client.ping(3))
    stream = await talk.mux.accept()
    assert stream is not None
    assert stream.kind == "data"
    assert (await stream.receive(), await stream.receive()) == (b"in", b"")
    await stream.send(b"out")
    await stream.send_end()
    await stream.send(b"nobody hears this")
    await wait_until(lambda: not talk.mux.streams)
    assert received(talk.pipe.sent, 1) == b"out"
    assert {kind for kind, _, _ in frames(talk.pipe.sent)} == {spdy.SYN_REPLY, spdy.PING, 0}


async def test_an_unread_stream_holds_up_the_connection(talk: Talk) -> None:
    talk.pipe.say(talk.client.open(1, {}))
    chunk = bytes(STREAM_AHEAD_MAX // 2)
    for _ in range(5):
        talk.pipe.say(talk.client.data(1, chunk))
    talk.pipe.say(talk.client.open(3, {}))
    stream = await talk.mux.accept()
    assert stream is not None
    await wait_until(lambda: stream._size > STREAM_AHEAD_MAX)
    assert len(talk.mux.streams) == 1
    got = 0
    while got < 5 * len(chunk):
        got += len(await stream.receive())
    assert await talk.mux.accept() is not None


async def test_a_reset_frees_who_waits(talk: Talk) -> None:
    talk.pipe.say(talk.client.open(1, {}) + talk.client.open(3, {}))
    one, two = await talk.mux.accept(), await talk.mux.accept()
    assert one is not None
    assert two is not None
    talk.pipe.say(talk.client.reset(1))
    assert await one.receive() == b""
    await two.reset()
    assert await two.receive() == b""
    assert frames(talk.pipe.sent)[-1][:2] == (spdy.RST_STREAM, 3)


async def test_too_many_streams_are_refused(talk: Talk) -> None:
    for number in range(STREAMS_MAX + 1):
        talk.pipe.say(talk.client.open(2 * number + 1, {}))
        if number % 500 == 0:
            await wait_until(lambda number=number: len(talk.mux.streams) > number)
    await wait_until(lambda: any(f[0] == spdy.RST_STREAM for f in frames(talk.pipe.sent)))
    assert len(talk.mux.streams) == STREAMS_MAX


async def test_the_end_of_the_connection_ends_all(talk: Talk) -> None:
    talk.pipe.say(talk.client.open(1, {}))
    stream = await talk.mux.accept()
    assert stream is not None
    talk.pipe.say(b"\x80\x02" + bytes(6))  # another version
    assert await stream.receive() == b""
    assert await talk.mux.accept() is None
    await talk.mux.close()
    assert frames(talk.pipe.sent)[-1][:2] == (spdy.GOAWAY, 1)
    assert talk.pipe.closed.is_set()
