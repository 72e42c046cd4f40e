"""The command line's side of a WebSocket: against the real server, and against peers that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)

from tanebi.apiserver.streaming.channels import V5
from tanebi.base.errors import PeerError, Unavailable
from tanebi.cli import websocket
from tanebi.cli.answers import SocketLost
from tanebi.cli.client import ApiFailure
from tanebi.cli.platform import Access, access
from tanebi.cli.websocket import Door, WebSocket
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import pod, running

pytestmark = pytest.mark.anyio
Peer = Callable[[SocketStream], Awaitable[None]]


@asynccontextmanager
async def talking(peer: Peer) -> AsyncIterator[WebSocket]:
    """A WebSocket, without TLS, before its handshake; `peer` is the server's side of the connection."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:

        async def serve(stream: SocketStream) -> None:
            async with stream:
                await peer(stream)

        tasks.start_soon(listener.serve, serve)
        port = listener.extra(SocketAttribute.local_port)
        with anyio.fail_after(10):
            async with WebSocket(await anyio.connect_tcp("127.0.0.1", port)) as socket:
                yield socket
        tasks.cancel_scope.cancel()


REQUEST = Request(host="h", target="/", subprotocols=[V5])


async def accepted(stream: SocketStream) -> WSConnection:
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(await stream.receive())
    assert isinstance(next(server.events()), Request)
    await stream.send(server.send(AcceptConnection(subprotocol=V5)))
    return server


async def test_messages_pings_and_the_end() -> None:
    heard: list[type] = []

    async def peer(stream: SocketStream) -> None:
        server = await accepted(stream)
        await stream.send(server.send(Ping(payload=b"x")) + server.send(BytesMessage(data=b"ab")))
        await stream.send(
            server.send(TextMessage(data="text")) + server.send(CloseConnection(1000))
        )
        async for data in stream:
            server.receive_data(data)
            heard.extend(type(event) for event in server.events())

    async with talking(peer) as socket:
        await socket.shake_hands(REQUEST)
        assert await socket.receive() == (b"ab", True)
        assert await socket.receive() == (b"text", True)
        assert await socket.receive() is None
        assert await socket.receive() is None
        with pytest.raises(SocketLost):
            await socket.send(b"too late")
    assert heard in ([Pong, CloseConnection], [Pong])


async def test_a_message_that_comes_with_the_handshake_is_not_lost() -> None:
    async def peer(stream: SocketStream) -> None:
        server = WSConnection(ConnectionType.SERVER)
        server.receive_data(await stream.receive())
        list(server.events())
        head = server.send(AcceptConnection(subprotocol=V5))
        await stream.send(head + server.send(BytesMessage(data=b"first")))
        await anyio.sleep_forever()

    async with talking(peer) as socket:
        await socket.shake_hands(REQUEST)
        assert await socket.receive() == (b"first", True)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", PeerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", PeerError),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", ApiFailure),
        (b"HTTP/1.1 403 No\r\nContent-Length: 12\r\n\r\nnot a Status", ApiFailure),
        (b"HTTP/1.1 403 No\r\nContent-Length: 12\r\n\r\nnot", SocketLost),
        (b"SSH-2.0\r\n\r\n", PeerError),
        (b"", SocketLost),
    ],
)
async def test_what_is_no_handshake(answer: bytes, raised: type[Exception]) -> None:
    async def peer(stream: SocketStream) -> None:
        await stream.receive()
        if answer:
            await stream.send(answer)

    async with talking(peer) as socket:
        with pytest.raises(raised):
            await socket.shake_hands(REQUEST)


async def test_a_refusal_of_any_length_is_read_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "REFUSAL_MAX_BYTES", 10)

    async def peer(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\n" + b"x" * 20)
        await anyio.sleep_forever()

    async with talking(peer) as socket:
        with pytest.raises(ApiFailure):
            await socket.shake_hands(REQUEST)


async def test_broken_frames_are_the_end() -> None:
    async def peer(stream: SocketStream) -> None:
        await accepted(stream)
        await stream.send(b"\x82\x85hello")  # a server's frames are not masked
        await anyio.sleep_forever()

    async with talking(peer) as socket:
        await socket.shake_hands(REQUEST)
        assert await socket.receive() is None


async def test_the_real_server(shell: Shell, ns: str) -> None:
    name = await anyio.to_thread.run_sync(running, shell, pod("web", ns))
    path = f"/api/v1/namespaces/{ns}/pods/{name}/exec"
    door = Door(access(shell.home), shell.home)
    query = [("command", "echo"), ("command", "hi")]
    async with await door.open(path, query, (V5,)) as socket:
        assert await socket.receive() == (b"\1", True)
        assert await socket.receive() == (b"\1hi", True)
    with pytest.raises(ApiFailure, match="at least 1 command"):
        await door.open(path, (), (V5,))
    with pytest.raises(ApiFailure, match="unable to negotiate"):
        await door.open(path, query, ("v9",))


async def test_nobody_listens_or_answers(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    good = access(shell.home)
    nowhere = Door(Access("https://127.0.0.1:1", good.ca_pem, good.token), shell.home)
    with pytest.raises(Unavailable, match="no platform is running"):
        await nowhere.open("/x", (), (V5,))
    monkeypatch.setattr(websocket, "TIMEOUT_S", 0.05)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener:
        url = f"https://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        with pytest.raises(Unavailable, match="did not answer within"):
            await Door(Access(url, good.ca_pem, good.token), shell.home).ask("/x")
