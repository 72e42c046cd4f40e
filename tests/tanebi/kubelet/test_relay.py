"""Connections are carried to where they were to go: whole, in both directions, one half after the other, and with their ends."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from tanebi.kubelet import relay as module
from tanebi.kubelet.relay import Address, Relay, meant_for
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def relaying(target: Callable[[socket.socket], Address | None]) -> AsyncIterator[Relay]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        relay = Relay(listener, target)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay.run)
            yield relay
            tasks.cancel_scope.cancel()


def address(relay: Relay) -> Address:
    found: Address = relay._listener.getsockname()
    return found


async def echo(stream: anyio.abc.SocketStream) -> None:
    """All of it first, then all of it back."""
    async with stream:
        said = b"".join([part async for part in stream])
        await stream.send(said)


@asynccontextmanager
async def echoing() -> AsyncIterator[Address]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        yield listener.extra(anyio.abc.SocketAttribute.raw_socket).getsockname()
        tasks.cancel_scope.cancel()


async def test_all_bytes_and_each_direction_until_its_own_end() -> None:
    said = bytes(range(256)) * 8192
    async with echoing() as there, relaying(lambda sock: there) as relay:
        async with await anyio.connect_tcp(*address(relay)) as stream:
            async with anyio.create_task_group() as tasks:

                async def speak() -> None:
                    await stream.send(said)
                    await stream.send_eof()

                tasks.start_soon(speak)
                heard = b"".join([part async for part in stream])
        assert heard == said
        await wait_until(lambda: relay.connections == 0)


async def test_the_one_that_is_spoken_to_may_speak_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with relaying(lambda sock: server.getsockname()) as relay:
            async with await anyio.connect_tcp(*address(relay)) as stream:
                served, _ = await anyio.to_thread.run_sync(server.accept)
                with served:
                    served.sendall(b"220 ready")
                    assert await stream.receive() == b"220 ready"
                assert [part async for part in stream] == []


async def test_nowhere_to_go() -> None:
    async with relaying(lambda sock: None) as relay:
        async with await anyio.connect_tcp(*address(relay)) as stream:
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()


async def test_nobody_there_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        there = gone.getsockname()
    async with relaying(lambda sock: there) as relay:
        async with await anyio.connect_tcp(*address(relay)) as stream:
            with pytest.raises(anyio.BrokenResourceError):
                await stream.receive()


async def test_more_than_there_may_be_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS_MAX", 1)
    async with echoing() as there, relaying(lambda sock: there) as relay:
        async with await anyio.connect_tcp(*address(relay)):
            await wait_until(lambda: relay.connections == 1)
            async with await anyio.connect_tcp(*address(relay)) as surplus:
                with pytest.raises(anyio.EndOfStream):
                    await surplus.receive()


def test_a_connection_that_was_not_turned_is_for_nobody() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert meant_for(ours, "10.0.0.1", {80: ("127.0.0.1", 8080)}) is None
