"""A client's connection of HTTP/2, by a client of the h2 library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.h2.limits import H2Limits
from tanebi.http.h2.server import H2ServerConnection
from tanebi.http.server import HttpServer, ServerLimits
from tanebi.http.sides import ClientStream
from tanebi.testing.h2 import H2Client, connect_h2
from tanebi.testing.waiting import wait_until
from tests.tanebi.http.echoing import Echo, echo

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def h2_echo(
    limits: ServerLimits | None = None,
) -> AsyncIterator[tuple[Echo, H2Client, HttpServer]]:
    async with echo(limits) as (app, _, server):
        client = await connect_h2(server.address)
        try:
            yield app, client, server
        finally:
            client.close()
            await client.writer.wait_closed()


async def test_a_request_is_answered() -> None:
    async with h2_echo() as (app, client, _):
        answer = await client.get("/a?b=c", host="h:8080", headers=[(b"x-a", b"1")])
        assert (answer.status, answer.body) == (200, b"GET /a?b=c ")
        assert answer.header("content-length") == b"11"
        assert answer.header("date") is not None
        assert app.begun[0].host == b"h:8080"
        assert app.begun[0].headers == [(b"x-a", b"1")]


async def test_bodies_and_trailers() -> None:
    async with h2_echo() as (app, client, _):
        number = client.begin("/up", host="h", method="POST", ended=False)
        await client.send(number, b"x" * 1_000_000)
        client.end(number, [(b"x-sum", b"7")])
        answer = await client.answer(number)
        assert answer.body == b"POST /up " + b"x" * 1_000_000
        assert app.begun[0].trailers == [(b"x-sum", b"7")]


async def test_httpx_speaks_it() -> None:
    async with (
        echo() as (_, _, server),
        httpx.AsyncClient(http1=False, http2=True) as client,
    ):
        response = await client.post(f"http://127.0.0.1:{server.address[1]}/x", content=b"hello")
        assert (response.http_version, response.content) == ("HTTP/2", b"POST /x hello")


async def test_a_whole_exchange_costs_the_client_few_frames() -> None:
    async with h2_echo() as (_, client, _):
        answers = [client.begin("/a", host="h") for _ in range(100)]
        for number in answers:
            assert (await client.answer(number)).body == b"GET /a "


async def test_http1_and_http2_share_the_port() -> None:
    async with echo() as (_, plain, server):
        client = await connect_h2(server.address)
        plain.get("/one", host="h")
        assert (await plain.answer()).body == b"GET /one "
        assert (await client.get("/two", host="h")).body == b"GET /two "
        client.close()


async def test_a_preface_in_pieces_and_one_that_never_ends() -> None:
    async with echo(ServerLimits(head_timeout_s=0.3, drain_s=0.1)) as (_, plain, server):
        plain.send(b"PRI * HT")
        assert await plain.closed() == b""
        client = await connect_h2(server.address)
        data = client.h2.data_to_send()
        assert data == b""
        assert (await client.get(host="h")).status == 200
        client.close()


async def test_malformed_requests_end_their_stream_only() -> None:
    async with h2_echo() as (_, client, _):
        client.h2.config.validate_outbound_headers = False
        client.h2.config.normalize_outbound_headers = False
        bad = client.begin(host="h", headers=[(b"transfer-encoding", b"chunked")])
        assert (await client.answer(bad)).reset == 1
        assert (await client.get("/good", host="h")).body == b"GET /good "


async def test_heads_that_are_too_large_are_answered() -> None:
    async with h2_echo(ServerLimits(headers_max=5, head_max=5000, drain_s=0.1)) as (_, client, _):
        many = await client.get(host="h", headers=[(b"x-%d" % n, b"1") for n in range(6)])
        assert many.status == 431
        large = await client.get(host="h", headers=[(b"x", b"y" * 5000)])
        assert large.status == 431
        assert (await client.get(host="")).status == 400
        assert (await client.get("/good", host="h")).status == 200


async def test_silence_and_half_heads_end_the_connection() -> None:
    limits = ServerLimits(head_timeout_s=0.3, idle_timeout_s=0.6, drain_s=0.1)
    async with h2_echo(limits) as (_, client, server):
        assert (await client.get(host="h")).status == 200
        assert await client.closed() == (0, 1)
        mute = await connect_h2(server.address)
        mute.writer.write(b"\0\0\1\1\0\0\0\0\1\x82")  # HEADERS without END_HEADERS
        await mute.closed()
        mute.close()


async def test_a_reset_is_told_to_the_application() -> None:
    async with h2_echo() as (app, client, _):
        app.hold = True
        number = client.begin(host="h")
        await wait_until(lambda: app.begun)
        client.reset(number)
        await wait_until(lambda: app.left == 1)
        app.begun[0].respond(200, (), b"too late")
        app.hold = False
        assert (await client.get(host="h")).status == 200
        client.begin(host="h", ended=False)
        await wait_until(lambda: len(app.begun) == 3)
        client.close()
        await wait_until(lambda: app.left == 2)


async def test_a_bug_ends_one_request_only() -> None:
    async with h2_echo() as (app, client, _):
        begin = app.begin

        def bug(request: ClientStream) -> None:
            if request.target == b"/bug":
                raise RuntimeError("a bug")
            begin(request)

        app.begin = bug  # type: ignore[method-assign]
        assert (await client.get("/bug", host="h")).reset == 2
        assert (await client.get("/fine", host="h")).body == b"GET /fine "


async def test_a_client_that_takes_nothing_is_reset() -> None:
    async with h2_echo() as (_, client, server):
        await client.until(lambda: client.h2.remote_settings.max_concurrent_streams == 128)
        (connection,) = [c for c in server.connections if isinstance(c, H2ServerConnection)]
        connection.h2.limits = H2Limits(stall_s=0.3)
        number = client.begin(host="h", method="POST", ended=False)
        client.lazy.add(number)
        await client.send(number, b"x" * 200_000, ended=True)
        answer = await client.answer(number)
        assert (answer.reset, len(answer.body)) == (8, 65535)
        assert (await client.get("/fine", host="h")).status == 200


async def test_draining_says_goaway_and_lets_requests_end() -> None:
    app = Echo()
    app.hold = True
    limits = ServerLimits(drain_s=5)
    server = HttpServer(app, host="127.0.0.1", port=0, clock=SystemClock(), limits=limits)
    async with anyio.create_task_group() as outer:
        scopes: list[anyio.CancelScope] = []

        async def run() -> None:
            async with anyio.create_task_group() as inner:
                scopes.append(inner.cancel_scope)
                await inner.start(server.run)

        outer.start_soon(run)
        await wait_until(lambda: server._server is not None and server._server.is_serving())
        busy, idle = await connect_h2(server.address), await connect_h2(server.address)
        busy.begin(host="h")
        await wait_until(lambda: app.begun and len(server.connections) == 2)
        await idle.until(lambda: idle.h2.remote_settings.max_concurrent_streams == 128)
        scopes[0].cancel()
        assert await idle.closed() == (0, 0)
        await wait_until(lambda: len(server.connections) == 1)
        app.begun[0].respond(200, (), b"late")
        # The library takes nothing after a GOAWAY, so these bytes are read without it.
        with anyio.fail_after(5):
            rest = await busy.reader.read(-1)
        assert rest.index(b"\0\0\x08\x07\0\0\0\0\0") < rest.index(b"late")
        busy.close()
        idle.close()
