"""The server's side of WebSocket, against wsproto's client."""

from __future__ import annotations

import anyio
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)

from tanebi.apiserver.streaming.websocket import BadHandshake, Tunnelled, WebSocket, accept, choose
from tanebi.apiserver.streaming.wire import WireBroken
from tests.tanebi.apiserver.streaming.pipes import MemoryPipe

pytestmark = pytest.mark.anyio


def client() -> Connection:
    return Connection(ConnectionType.CLIENT)


def test_a_client_takes_our_handshake() -> None:
    other = WSConnection(ConnectionType.CLIENT)
    head = other.send(Request(host="h", target="/", subprotocols=["a", "b"])).decode()
    key = next(line for line in head.splitlines() if line.lower().startswith("sec-websocket-key"))
    other.receive_data(accept(key.partition(":")[2].strip().encode(), b"13", "b"))
    [event] = other.events()
    assert isinstance(event, AcceptConnection)
    assert event.subprotocol == "b"


@pytest.mark.parametrize(
    ("key", "version"),
    [(b"dGhlIHNhbXBsZSBub25jZQ==", b"8"), (b"short", b"13"), (b"", b"13"), (b"c2hvcnQ=", b"13")],
)
def test_no_handshake(key: bytes, version: bytes) -> None:
    with pytest.raises(BadHandshake):
        accept(key, version, "x")


def test_our_order_decides_the_protocol() -> None:
    assert choose(["v4", "v5"], ("v5", "v4")) == "v5"
    assert choose(["v3"], ("v5", "v4")) is None


async def test_messages_come_in_the_pieces_they_came_in() -> None:
    pipe, other = MemoryPipe(), client()
    socket = WebSocket(pipe)
    frame = other.send(BytesMessage(data=b"0123456789"))
    pipe.say(frame[:9])
    pipe.say(frame[9:])
    pipe.say(other.send(TextMessage(data="text")))
    first, second = await socket.receive(), await socket.receive()
    assert first is not None
    assert second is not None
    assert (first[0] + second[0], first[1], second[1]) == (b"0123456789", False, True)
    assert await socket.receive() == (b"text", True)


async def test_pings_are_answered_and_a_close_is_the_end() -> None:
    pipe, other = MemoryPipe(), client()
    socket = WebSocket(pipe)
    pipe.say(other.send(Ping(payload=b"x")) + other.send(CloseConnection(code=1000)))
    assert await socket.receive() is None
    other.receive_data(pipe.sent)
    assert [type(event) for event in other.events()] == [Pong, CloseConnection]
    with pytest.raises(WireBroken):
        await socket.send(b"too late")


async def test_the_end_of_the_connection_and_broken_frames() -> None:
    pipe = MemoryPipe()
    pipe.say(b"\x82\x05hello")  # a client's frames are masked
    assert await WebSocket(pipe).receive() is None
    pipe = MemoryPipe()
    pipe.leave()
    assert await WebSocket(pipe).receive() is None


async def test_a_tunnel_is_the_bytes_of_all_messages() -> None:
    pipe, other = MemoryPipe(), client()
    tunnel = Tunnelled(WebSocket(pipe))
    pipe.say(other.send(BytesMessage(data=b"")) + other.send(BytesMessage(data=b"ab")))
    assert await tunnel.receive() == b"ab"
    await tunnel.send(bytes(100_000))
    await tunnel.close()
    assert pipe.closed.is_set()
    other.receive_data(pipe.sent)
    events = list(other.events())
    assert sum(len(e.data) for e in events if isinstance(e, BytesMessage)) == 100_000
    assert isinstance(events[-1], CloseConnection)
    pipe.leave()
    with anyio.fail_after(5):
        assert await tunnel.receive() == b""
