"""Listening, sweeping, draining."""

from __future__ import annotations

import asyncio
import socket

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.http.server import HttpServer, ServerLimits
from tanebi.testing.http import connect
from tanebi.testing.waiting import wait_until
from tests.tanebi.http.echoing import Echo, echo

pytestmark = pytest.mark.anyio


async def test_slow_heads_and_idle_clients_are_closed() -> None:
    limits = ServerLimits(head_timeout_s=0.3, idle_timeout_s=0.9, drain_s=0.1)
    async with echo(limits) as (_, idle, server):
        slow = await connect(server.address)
        began = asyncio.get_running_loop().time()
        slow.send(b"GET / HTTP/1.1\r\nHos")
        assert await slow.closed() == b""
        halfway = asyncio.get_running_loop().time() - began
        assert 0.3 <= halfway < 0.9
        assert await idle.closed() == b""
        assert asyncio.get_running_loop().time() - began >= 0.9


async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = HttpServer(Echo(), host="127.0.0.1", port=port, clock=SystemClock())
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{port}"):
            await server.run()


async def test_requests_under_way_end_before_the_server_does() -> None:
    app = Echo()
    app.hold = True
    server = HttpServer(
        app, host="127.0.0.1", port=0, clock=SystemClock(), limits=ServerLimits(drain_s=5)
    )
    async with anyio.create_task_group() as outer:

        async def run() -> None:
            async with anyio.create_task_group() as inner:
                scopes.append(inner.cancel_scope)
                await inner.start(server.run)

        scopes: list[anyio.CancelScope] = []
        outer.start_soon(run)
        await wait_until(lambda: scopes and server.address[1])
        await wait_until(lambda: server._server is not None and server._server.is_serving())
        busy, idle = await connect(server.address), await connect(server.address)
        busy.get(host="h")
        await wait_until(lambda: app.begun)
        scopes[0].cancel()
        assert await idle.closed() == b""
        app.begun[0].respond(200, (), b"late")
        assert (await busy.answer()).body == b"late"
        busy.close()


async def test_a_bug_in_one_sweep_ends_that_connection_only() -> None:
    async with echo() as (app, client, server):
        app.hold = True
        other = await connect(server.address)
        client.get("/bug", host="h")
        other.get("/fine", host="h")
        await wait_until(lambda: len(app.begun) == 2)

        def bug(now: float) -> None:
            raise RuntimeError("a bug")

        app.begun[0].sink.on_sweep = bug  # type: ignore[method-assign, union-attr]
        assert await client.closed() == b""
        app.begun[1].respond(200, (), b"fine")
        assert (await other.answer()).body == b"fine"
        other.close()
