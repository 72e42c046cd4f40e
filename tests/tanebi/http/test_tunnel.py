"""Two sockets joined: bytes, back-pressure, half-closes, and one word at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from tanebi.http.tunnel import Tunnel
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

BIG = 10 * 1024 * 1024


@dataclass
class Owner:
    """Implements tanebi.http.tunnel.TunnelOwner."""

    said: list[str] = field(default_factory=list)
    gone: int = 0

    def on_tunnel_end(self) -> None:
        self.said.append("end")

    def on_tunnel_broken(self, *, by_client: bool) -> None:
        self.said.append("client broke" if by_client else "pod broke")

    def on_gone(self, exc: Exception | None) -> None:
        self.gone += 1


@dataclass
class Side:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Joined:
    owner: Owner
    tunnel: Tunnel
    client: Side
    pod: Side
    inner: list[asyncio.Transport]


@asynccontextmanager
async def joined() -> AsyncIterator[Joined]:
    """A client and a pod on real sockets, a tunnel between them."""
    loop = asyncio.get_running_loop()
    inner: list[asyncio.Transport] = []

    class Accept(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            inner.append(cast(asyncio.Transport, transport))

    server = await loop.create_server(Accept, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    client = Side(*await asyncio.open_connection(*address))
    await wait_until(lambda: len(inner) == 1)
    pod = Side(*await asyncio.open_connection(*address))
    await wait_until(lambda: len(inner) == 2)
    owner = Owner()
    tunnel = Tunnel(owner, inner[0], inner[1], gone=owner.on_gone)
    inner[0].set_protocol(tunnel.client)
    inner[1].set_protocol(tunnel.pod)
    try:
        yield Joined(owner, tunnel, client, pod, inner)
    finally:
        server.close()
        for side in (client, pod):
            side.writer.transport.abort()
        for transport in inner:
            transport.abort()
        await wait_until(lambda: tunnel.client.closed and tunnel.pod.closed)


async def test_bytes_both_ways_and_a_good_end_said_once() -> None:
    async with joined() as j:
        j.client.writer.write(b"ping")
        assert await j.pod.reader.readexactly(4) == b"ping"
        j.pod.writer.write(b"pong")
        assert await j.client.reader.readexactly(4) == b"pong"
        assert j.tunnel.moved
        j.client.writer.write_eof()
        assert await j.pod.reader.read() == b""
        assert j.tunnel.half_closed
        j.pod.writer.write(b"late")  # the other direction goes on
        assert await j.client.reader.readexactly(4) == b"late"
        assert j.owner.said == []
        j.pod.writer.write_eof()
        assert await j.client.reader.read() == b""
        await wait_until(lambda: j.owner.said == ["end"] and j.owner.gone > 0)


async def test_a_slow_side_holds_the_other_back_and_gets_every_byte_after_its_end() -> None:
    async with joined() as j:
        data = bytes(range(256)) * (BIG // 256)
        j.pod.writer.write(data)
        j.pod.writer.write_eof()
        j.client.writer.write_eof()
        await wait_until(lambda: j.inner[0].get_write_buffer_size() > 0)
        await asyncio.sleep(0.1)
        assert j.inner[0].get_write_buffer_size() < 1024 * 1024
        assert j.owner.said == []
        assert await j.client.reader.read() == data
        await wait_until(lambda: j.owner.said == ["end"])


async def test_a_side_that_breaks_is_named_once() -> None:
    for side, said in (("client", "client broke"), ("pod", "pod broke")):
        async with joined() as j:
            getattr(j, side).writer.write(b"x")
            other = j.pod if side == "client" else j.client
            assert await other.reader.readexactly(1) == b"x"
            j.inner[0 if side == "client" else 1].abort()
            await wait_until(lambda j=j: bool(j.owner.said))  # type: ignore[misc]
            assert j.owner.said == [said]
