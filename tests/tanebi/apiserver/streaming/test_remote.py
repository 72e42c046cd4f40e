"""One session over both protocols: input, output, sizes, the Status, and who leaves first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection

from tanebi.api.podstreams import STDERR, STDOUT, Output, Wish
from tanebi.apiserver.streaming import remote
from tanebi.apiserver.streaming.mux import Mux
from tanebi.apiserver.streaming.remote import NoStreams, SpdyChannels, WebSocketChannels, serve
from tanebi.apiserver.streaming.websocket import WebSocket
from tanebi.apiserver.streaming.wire import WireBroken
from tests.tanebi.apiserver.streaming.pipes import MemoryPipe, SpdyClient, received

pytestmark = pytest.mark.anyio


class Echo:
    """A session that prints its input back, whole, once that has ended."""

    def __init__(self, code: int = 0) -> None:
        self.typed = b""
        self.sizes: list[tuple[int, int]] = []
        self.ended = anyio.Event()
        self.closed = False
        self._code = code

    async def output(self) -> AsyncIterator[Output]:
        yield STDERR, b"ready"
        await self.ended.wait()
        yield STDOUT, self.typed

    async def write(self, data: bytes) -> None:
        self.typed += data

    async def write_end(self) -> None:
        self.ended.set()

    async def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    async def wait(self) -> int:
        return self._code

    async def close(self) -> None:
        self.closed = True


def messages(pipe: MemoryPipe, client: Connection) -> list[Any]:
    client.receive_data(pipe.sent)
    return [e.data if isinstance(e, BytesMessage) else type(e) for e in client.events()]


async def test_over_websocket() -> None:
    pipe, client, echo = MemoryPipe(), Connection(ConnectionType.CLIENT), Echo(code=3)
    channels = WebSocketChannels(WebSocket(pipe), Wish(stdin=True))
    await channels.begin()
    for data in (b"\0ab", b'\x04{"Width":9,"Height":8}', b"", b"\0c", b"\xff\0"):
        pipe.say(client.send(BytesMessage(data=data)))
    with anyio.fail_after(5):
        await serve(channels, echo)
    found = messages(pipe, client)
    assert found[:3] == [b"\1", b"\2ready", b"\1abc"]
    status = orjson.loads(found[3][1:])
    assert found[3][:1] == b"\3"
    assert status["details"]["causes"][0]["message"] == "3"
    assert found[4] is CloseConnection
    assert echo.sizes == [(9, 8)]
    assert echo.closed


async def test_a_client_that_leaves_ends_the_session() -> None:
    pipe, echo = MemoryPipe(), Echo()
    channels = WebSocketChannels(WebSocket(pipe), Wish(stdin=True))
    pipe.leave()
    with anyio.fail_after(5):
        await serve(channels, echo)
    assert echo.closed


async def test_a_broken_stream_of_the_container_is_told() -> None:
    class Broken(Echo):
        async def output(self) -> AsyncIterator[Output]:
            yield STDOUT, b"so far"
            raise OSError("gone")

    pipe, client = MemoryPipe(), Connection(ConnectionType.CLIENT)
    with anyio.fail_after(5):
        await serve(WebSocketChannels(WebSocket(pipe), Wish()), Broken())
    status = orjson.loads(messages(pipe, client)[1][1:])
    assert "gone" in status["message"]


async def _spdy(pipe: MemoryPipe, wish: Wish, echo: Echo) -> None:
    mux = Mux(pipe)
    channels = SpdyChannels(mux, wish)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mux.run)
        await channels.begin()
        await serve(channels, echo)
        tasks.cancel_scope.cancel()


async def test_over_spdy() -> None:
    pipe, client, echo = MemoryPipe(), SpdyClient(), Echo()
    for number, kind in ((1, "error"), (3, "stdin"), (5, "stdout"), (7, "stderr")):
        pipe.say(client.open(number, {"streamtype": kind}))
    pipe.say(client.data(3, b"abc"))
    pipe.say(client.data(3, b"", end=True))
    with anyio.fail_after(5):
        await _spdy(pipe, Wish(stdin=True), echo)
    assert received(pipe.sent, 5) == b"abc"
    assert received(pipe.sent, 7) == b"ready"
    assert orjson.loads(received(pipe.sent, 1))["status"] == "Success"
    assert pipe.closed.is_set()


async def test_a_stray_stream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, client = MemoryPipe(), SpdyClient()
    pipe.say(client.open(1, {"streamtype": "stdin"}))
    mux = Mux(pipe)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mux.run)
        with pytest.raises(NoStreams, match="stdin"):
            await SpdyChannels(mux, Wish()).begin()
        tasks.cancel_scope.cancel()


async def test_streams_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "STREAMS_S", 0.01)
    with pytest.raises(NoStreams, match="within"):
        await SpdyChannels(Mux(MemoryPipe()), Wish()).begin()
    pipe = MemoryPipe()
    pipe.leave()
    mux = Mux(pipe)
    await mux.run()
    with pytest.raises(WireBroken):
        await SpdyChannels(mux, Wish()).begin()
