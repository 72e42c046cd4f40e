"""Port-forward: pairs of SPDY streams, and channels of a WebSocket, to ports that answer, break or are not there."""

from __future__ import annotations

import anyio
import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage

from tanebi.api.podstreams import ByteStream, NoStream
from tanebi.apiserver.streaming.forward import WebSocketForward, serve_spdy
from tanebi.apiserver.streaming.mux import Mux
from tanebi.apiserver.streaming.websocket import WebSocket
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.streaming.pipes import MemoryPipe, SpdyClient, received

pytestmark = pytest.mark.anyio

BREAKING = 99


class Upper:
    """A port that answers in capitals, and ends when its client does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pipe = MemoryPipe()
        self.closed = False

    async def receive(self) -> bytes:
        data = await self._pipe.receive()
        if self._port == BREAKING:
            raise ConnectionResetError("reset")
        return data.upper()

    async def send(self, data: bytes) -> None:
        self._pipe.say(data)

    async def send_end(self) -> None:
        self._pipe.leave()

    async def close(self) -> None:
        self.closed = True


async def dial(port: int) -> ByteStream:
    if port == 81:
        raise NoStream("connection refused", ours=True)
    return Upper(port)


def pair(client: SpdyClient, first: int, port: str, request: str) -> bytes:
    common = {"port": port, "requestid": request}
    return client.open(first, {"streamtype": "error", **common}, flags=1) + client.open(
        first + 2, {"streamtype": "data", **common}
    )


async def test_pairs_over_spdy() -> None:
    pipe, client = MemoryPipe(), SpdyClient()
    mux = Mux(pipe)
    pipe.say(pair(client, 1, "80", "0") + pair(client, 5, "81", "1") + pair(client, 9, "x", "2"))
    pipe.say(pair(client, 13, str(BREAKING), "3"))
    pipe.say(client.data(3, b"hello") + client.data(15, b"x"))
    pipe.say(client.data(3, b"", end=True))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mux.run)
        tasks.start_soon(serve_spdy, mux, dial)
        with anyio.fail_after(5):
            await wait_until(lambda: received(pipe.sent, 13) and received(pipe.sent, 3))
            await wait_until(lambda: not mux.streams)
            pipe.leave()
    assert received(pipe.sent, 3) == b"HELLO"
    assert received(pipe.sent, 1) == b""
    assert received(pipe.sent, 5) == b"an error occurred forwarding 81: connection refused"
    assert b"as a port" in received(pipe.sent, 9)
    assert received(pipe.sent, 13) == b"an error occurred forwarding 99: reset"


async def test_two_of_a_kind_are_no_pair() -> None:
    pipe, client = MemoryPipe(), SpdyClient()
    mux = Mux(pipe)
    same = {"streamtype": "data", "port": "80", "requestid": "0"}
    pipe.say(client.open(1, same) + client.open(3, same))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mux.run)
        tasks.start_soon(serve_spdy, mux, dial)
        await wait_until(
            lambda: (3 not in mux.streams and mux.streams == {}) or len(mux.streams) == 1
        )
        pipe.leave()


async def test_channels_of_a_websocket() -> None:
    pipe, client = MemoryPipe(), Connection(ConnectionType.CLIENT)
    forward = WebSocketForward(WebSocket(pipe), (80, 81), dial)
    pipe.say(client.send(BytesMessage(data=b"\0hello")))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forward.serve)
        with anyio.fail_after(5):
            await wait_until(lambda: b"HELLO" in pipe.sent)
        pipe.leave()
    client.receive_data(pipe.sent)
    found = [e.data for e in client.events() if isinstance(e, BytesMessage)]
    assert found[:4] == [b"\0\x50\0", b"\1\x50\0", b"\2\x51\0", b"\3\x51\0"]
    assert b"\3an error occurred forwarding 81: connection refused" in found
    assert b"\0HELLO" in found


async def test_a_client_ends_its_side_and_still_hears_the_answer() -> None:
    pipe, client = MemoryPipe(), Connection(ConnectionType.CLIENT)
    forward = WebSocketForward(WebSocket(pipe), (80,), dial)
    for message in (b"\xff\1", b"\xff\2", b"\0hello", b"\xff\0"):
        pipe.say(client.send(BytesMessage(data=message)))
    with anyio.fail_after(5):
        await forward.serve()
    client.receive_data(pipe.sent)
    found = [e.data for e in client.events() if isinstance(e, BytesMessage)]
    assert found[2:] == [b"\0HELLO"]
