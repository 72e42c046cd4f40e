"""A pipe over a real socket: both ends' pace, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import anyio
import pytest

from tanebi.apiserver.streaming.wire import READ_AHEAD_MAX, Wire, WireBroken
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


@dataclass
class Pair:
    wire: Wire
    transport: asyncio.Transport
    peer: anyio.abc.SocketStream


@asynccontextmanager
async def connected() -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    transports: list[asyncio.Transport] = []

    class Upgraded(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(cast(asyncio.Transport, transport))

    server = await loop.create_server(Upgraded, "127.0.0.1", 0)
    try:
        async with await anyio.connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1]) as peer:
            await wait_until(lambda: transports)
            [transport] = transports
            wire = Wire(transport)
            transport.set_protocol(wire)
            with anyio.fail_after(10):
                yield Pair(wire, transport, peer)
            transport.abort()
    finally:
        server.close()


async def test_bytes_both_ways_and_the_end() -> None:
    async with connected() as pair:
        await pair.peer.send(b"ping")
        assert await pair.wire.receive() == b"ping"
        await pair.wire.send(b"pong")
        assert await pair.peer.receive() == b"pong"
        await pair.peer.aclose()
        assert await pair.wire.receive() == b""
        assert await pair.wire.receive() == b""
        await wait_until(lambda: pair.transport.is_closing())
        with pytest.raises(WireBroken):
            await pair.wire.send(b"more")


async def test_who_is_not_read_must_wait() -> None:
    """What comes in unasked is bounded, and nothing of it is lost."""
    async with connected() as pair:
        sent = 8 * READ_AHEAD_MAX
        took = 0

        async def write() -> None:
            await pair.peer.send(bytes(sent))
            await pair.peer.send_eof()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await wait_until(lambda: pair.wire._paused)
            while data := await pair.wire.receive():
                took += len(data)
        assert took == sent


async def test_who_does_not_read_holds_up_the_sender() -> None:
    async with connected() as pair:
        total = 64 * 1024 * 1024  # more than the kernel takes
        done = anyio.Event()
        got = 0

        async def write() -> None:
            for _ in range(64):
                await pair.wire.send(bytes(total // 64))
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await wait_until(lambda: pair.transport.get_write_buffer_size() > 0)
            assert not done.is_set()
            while got < total:
                got += len(await pair.peer.receive())
        assert done.is_set()


async def test_the_last_bytes_go_out_before_the_close() -> None:
    async with connected() as pair:
        await pair.wire.send(b"last words")
        await pair.wire.close()
        assert await pair.peer.receive() == b"last words"
        with pytest.raises(anyio.EndOfStream):
            await pair.peer.receive()
