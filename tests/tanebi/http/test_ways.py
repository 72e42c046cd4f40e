"""Sockets that somebody else makes: where they are taken, how many wait, and what is when the other end goes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.http import ways
from tanebi.http.ways import BATCH, STOCK, Door, receive_files, trust
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

NET = IPv4Network("127.77.0.0/16")  # this machine's, like all of 127/8


class Made:
    """Implements Way. Remembers how many it made."""

    net: IPv4Network | None = NET

    def __init__(self) -> None:
        self.count = 0

    async def take(self) -> socket.socket:
        self.count += 1
        sock = socket.socket()
        sock.setblocking(False)
        return sock


class Keeper:
    """The other end of a Door."""

    def __init__(self, name: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(f"\0{name}")
        self.listener.listen()
        self.listener.setblocking(False)
        self.asked: list[int] = []
        self.client: socket.socket | None = None

    async def serve(self) -> None:
        await anyio.wait_readable(self.listener)
        self.client, _ = self.listener.accept()
        self.client.setblocking(False)
        self.client.send(json.dumps({"net": str(NET)}).encode())
        while True:
            await anyio.wait_readable(self.client)
            wish = self.client.recv(1)
            if not wish:
                return
            self.asked.append(wish[0])
            made = [socket.socket() for _ in range(wish[0])]
            socket.send_fds(self.client, [wish], [one.fileno() for one in made])
            for one in made:
                one.close()

    def close(self) -> None:
        self.listener.close()
        if self.client is not None:
            self.client.close()


@asynccontextmanager
async def kept(name: str) -> AsyncIterator[Keeper]:
    keeper = Keeper(name)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper.serve)
        yield keeper
        tasks.cancel_scope.cancel()
    keeper.close()


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Door]:
    door = Door(name, SystemClock())
    async with anyio.create_task_group() as tasks:
        await tasks.start(door.serve)
        yield door
        tasks.cancel_scope.cancel()


def a_name(what: str) -> str:
    return f"tanebi-test-{os.getpid()}-{what}"


@pytest.mark.parametrize(
    ("host", "made"), [("127.77.0.1", 1), ("127.0.0.1", 0), ("localhost", 0), ("::1", 0)]
)
async def test_a_way_is_taken_where_it_leads(host: str, made: int) -> None:
    way = Made()
    with ways.known(way):
        sock = await ways.socket_to(host)
    assert way.count == made
    assert (sock is not None) == bool(made)
    if sock is not None:
        sock.close()
    assert await ways.socket_to("127.77.0.1") is None, "it is no longer known"


async def test_a_way_that_leads_nowhere_at_present_is_no_way() -> None:
    way = Made()
    way.net = None
    with ways.known(way):
        assert await ways.socket_to("127.77.0.1") is None


@pytest.mark.parametrize(("host", "by"), [("127.77.0.1", 2), ("127.0.0.1", 0)])
async def test_connections_by_a_way_and_without(host: str, by: int) -> None:
    way = Made()
    with socket.create_server(("0.0.0.0", 0)) as server, ways.known(way):
        port = server.getsockname()[1]
        transport, _ = await ways.connect(asyncio.Protocol, host, port)
        transport.abort()
        reader, writer = await ways.open_connection(host, port)
        writer.write(b"hello")
        await writer.drain()
        writer.write_eof()
        for _ in range(2):
            served, _ = server.accept()
            served.close()
        writer.close()
        assert reader is not None
    assert way.count == by


async def test_a_refusal_is_told_and_the_socket_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with ways.known(Made()), pytest.raises(ConnectionRefusedError):
        await ways.connect(asyncio.Protocol, "127.77.0.1", port)


async def test_some_wait_and_more_are_asked_for_in_time() -> None:
    name = a_name("stock")
    async with kept(name) as keeper, opened(name) as door:
        await door.wait_open()
        assert door.net == NET
        await wait_until(lambda: door.stocked == BATCH)
        for _ in range(STOCK):
            (await door.take()).close()
        await wait_until(lambda: door.stocked >= BATCH)
        assert max(keeper.asked) <= BATCH
        assert door.stocked <= STOCK


async def test_a_keeper_that_goes_takes_its_sockets_along_and_the_next_is_found() -> None:
    name = a_name("goes")
    async with opened(name) as door:
        async with kept(name):
            await door.wait_open()
            await wait_until(lambda: door.stocked > 0)
        await wait_until(lambda: door.net is None)
        assert door.stocked == 0
        async with kept(name):
            await door.wait_open()
            (await door.take()).close()


async def test_a_keeper_that_gives_nothing_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ways, "WAIT_S", 0.05)
    door = Door(a_name("nobody"), SystemClock())
    with pytest.raises(TimeoutError, match="no socket within"):
        await door.take()
    with pytest.raises(TimeoutError):
        await door.wait_open()


async def test_files_come_with_a_message_and_are_not_inherited() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, socket.socket() as given:
        trust(ours)
        socket.send_fds(theirs, [b"two"], [given.fileno(), given.fileno()])
        message, files = receive_files(ours, 16, 2)
        assert message == b"two"
        assert [os.get_inheritable(fd) for fd in files] == [False, False]
        for fd in files:
            os.close(fd)
