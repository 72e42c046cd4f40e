"""Requests in, answers out, in order; what is not acceptable HTTP is refused, with h11 as a second opinion."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.http.request import ServerRequest
from tanebi.http.server import HttpServer, ServerConnection, ServerLimits
from tanebi.testing.http import Client, connect
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Echo:
    """Answers each request with its method, target and body, once it is complete. Implements Application."""

    def __init__(self) -> None:
        self.begun: list[ServerRequest] = []
        self.left = 0
        self.hold = False

    def begin(self, request: ServerRequest) -> None:
        self.begun.append(request)
        sink = EchoSink(self, request)
        request.sink = sink
        for chunk in request.take_body():
            sink.on_request_body(chunk)
        if request.complete:
            sink.on_request_end()


class EchoSink:
    def __init__(self, app: Echo, request: ServerRequest) -> None:
        self.app, self.request, self.body = app, request, b""

    def on_request_body(self, chunk: bytes) -> None:
        self.body += chunk

    def on_request_end(self) -> None:
        if not self.app.hold:
            start = b"%b %b " % (self.request.method, self.request.target)
            self.request.respond(200, (), start + self.body)

    def on_client_left(self) -> None:
        self.app.left += 1

    def on_client_slow(self) -> None: ...
    def on_client_ready(self) -> None: ...
    def on_sweep(self, now: float) -> None: ...


@asynccontextmanager
async def echo(
    limits: ServerLimits | None = None,
) -> AsyncIterator[tuple[Echo, Client, HttpServer]]:
    app = Echo()
    server = HttpServer(
        app,
        host="127.0.0.1",
        port=0,
        clock=SystemClock(),
        limits=limits or ServerLimits(drain_s=0.1),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.run)
        client = await connect(server.address)
        yield app, client, server
        client.close()
        tasks.cancel_scope.cancel()


GOOD: list[tuple[bytes, bytes]] = [
    (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / "),
    (b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / "),
    (b"GET http://h/x?y HTTP/1.1\r\nHost: other\r\n\r\n", b"GET /x?y "),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS * "),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"POST / abc"),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"POST / "),
    (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        b"POST / abcde",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"POST / ",
    ),
    (b"PATCH /p HTTP/1.1\r\nHost: h\r\nX-Empty:\r\n\r\n", b"PATCH /p "),
    (
        b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET /ws ",
    ),
    (
        b"POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /ws abc",
    ),
    (
        b"POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"POST /ws abcde",
    ),
    (
        b"GET /h2c HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
        b"GET /h2c ",
    ),
]


@pytest.mark.parametrize(("data", "body"), GOOD)
async def test_good_requests_whole_in_bytes_and_twice(data: bytes, body: bytes) -> None:
    async with echo() as (_, client, _):
        client.send(data)
        assert (await client.answer()).body == body
        for byte in data:
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).body == body
        client.send(data + data)
        assert (await client.answer()).body == body
        assert (await client.answer()).body == body


BAD: list[tuple[bytes, int]] = [
    (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
    (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\na", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),  # obs-fold
    (b"GET / HTTP/1.1\nHost: h\n\n", 400),  # bare LF
    (b"GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405),
    (b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\na", 417),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS on a plain port
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 500 + b"\r\n", 431),
]


@pytest.mark.parametrize(("data", "status"), BAD, ids=lambda v: repr(v)[:60])
async def test_what_is_not_acceptable_is_refused_and_closed(data: bytes, status: int) -> None:
    async with echo() as (app, client, _):
        client.send(data)
        got = await client.closed()
        assert got.startswith(b"HTTP/1.1 %d " % status), got[:100]
        assert b"Connection: close\r\n" in got
        assert app.begun == []


@pytest.mark.parametrize(
    "chunks",
    [
        b"x\r\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"-1\r\n",
        b"3 \r\nabc\r\n",
        b"3\nabc\n",
        b"fffffffffffffffff\r\n",
    ],
)
async def test_a_bad_chunk_ends_the_connection(chunks: bytes) -> None:
    async with echo() as (app, client, _):
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        await wait_until(lambda: app.begun)
        client.send(chunks + b"0\r\n\r\n")
        assert await client.closed() == b""
        assert app.left == 1


async def test_a_head_in_many_small_reads_is_bounded_too() -> None:
    async with echo(ServerLimits(head_max=4096, drain_s=0.1)) as (_, client, _):
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        for _ in range(40):
            client.send(b"y" * 200)
            await asyncio.sleep(0.001)
        assert (await client.closed()).startswith(b"HTTP/1.1 431 ")


async def test_a_large_head_within_the_limit_passes() -> None:
    async with echo() as (_, client, _):
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 60_000 + b"\r\n\r\n")
        assert (await client.answer()).status == 200


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


async def test_clients_that_leave_are_told_to_the_sink() -> None:
    async with echo() as (app, client, server):
        app.hold = True
        client.get(host="h")
        await wait_until(lambda: app.begun)
        client.close()
        await wait_until(lambda: app.left == 1)
        await wait_until(lambda: not server.connections)


async def test_connection_close_is_honoured() -> None:
    async with echo() as (_, client, _):
        client.get("/x", host="h", extra="Connection: close\r\n")
        got = await client.closed()
        assert b"Connection: close\r\n" in got
        assert got.endswith(b"GET /x ")


async def test_a_whole_answer_to_head_has_no_body() -> None:
    async with echo() as (_, client, _):
        client.get("/x", host="h", method="HEAD")
        answer = await client.answer(method="HEAD")
        assert (answer.header("content-length"), answer.body) == (b"8", b"")


async def test_many_pipelined_requests_do_not_deepen_the_stack_or_lose_order() -> None:
    async with echo() as (app, client, _):
        count = 3000
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(count)))
        for i in range(count):
            assert (await client.answer()).body == b"GET /%d " % i
        assert len(app.begun) == count


async def test_a_client_that_never_reads_is_not_answered_without_end() -> None:
    async with echo() as (app, client, _):
        client.writer.transport.pause_reading()
        request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
        sent = 0
        with anyio.move_on_after(2):
            while sent < 4000:
                client.send(request)
                sent += 1
                await client.writer.drain()
        assert sent < 4000
        before = -1
        while before != len(app.begun):
            before = len(app.begun)
            await asyncio.sleep(0.2)
        assert before < 2000


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


class _Recorder:
    """A transport that swallows."""

    def __init__(self) -> None:
        self.out = b""
        self.closed = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", 1)

    def write(self, data: bytes) -> None:
        self.out += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def write_eof(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


NAMES = st.sampled_from(
    [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"X-A",
        b"x_b",
        b"",
        b"Bad Name",
    ]
)
VALUES = st.sampled_from(
    [
        b"h",
        b"3",
        b"03",
        b"chunked",
        b"chunked, gzip",
        b"close",
        b"",
        b"a\r\n b",
        b"a\nb",
        b"\x00",
        b"\xff",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from([b"GET", b"POST", b"HEAD"]),
    version=st.sampled_from([b"1.1", b"1.0", b"2.0", b"1.2"]),
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    body=st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n"]),
)
def test_whatever_we_accept_h11_accepts_and_reads_alike(
    method: bytes, version: bytes, fields: list[tuple[bytes, bytes]], body: bytes
) -> None:
    lines = b"".join(n + b": " + v + b"\r\n" for n, v in [(b"Host", b"h"), *fields])
    data = b"%b /x HTTP/%b\r\n%b\r\n%b" % (method, version, lines, body)
    app = Echo()
    app.hold = True
    server = HttpServer(app, host="", port=0, clock=SystemClock())
    connection = ServerConnection(server)
    transport = _Recorder()
    connection.connection_made(transport)  # type: ignore[arg-type]
    connection.data_received(data)
    if transport.closed or not app.begun:
        return
    request = app.begun[0]
    reference = h11.Connection(h11.SERVER)
    reference.receive_data(data)
    event = reference.next_event()
    assert isinstance(event, h11.Request)
    assert event.method == request.method
    theirs = [(n.lower(), v) for n, v in event.headers.raw_items()]
    assert theirs == [(n.lower(), v.rstrip()) for n, v in request.headers]
    chunked = any(n == b"transfer-encoding" for n, _ in theirs)
    assert chunked == request.chunked


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
