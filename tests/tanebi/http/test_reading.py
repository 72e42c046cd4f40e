"""What is not acceptable HTTP is refused, and h11 reads what is accepted as we do."""

from __future__ import annotations

import asyncio

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.base.clock import SystemClock
from tanebi.http.connection import ServerConnection
from tanebi.http.headers import CONNECTION
from tanebi.http.server import HttpServer, ServerLimits
from tests.tanebi.http.echoing import Echo, Recorder, echo
from tests.tanebi.http.smuggling import BAD_BODIES, BAD_HEADS

pytestmark = pytest.mark.anyio


GOOD: list[tuple[bytes, bytes]] = [
    (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / "),
    (b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / "),
    (b"GET http://h/x?y HTTP/1.1\r\nHost: other\r\n\r\n", b"GET /x?y "),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS * "),
    (b"GET HTTP://h:80?y HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /?y "),
    (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", b"GET / "),
    (b"GET / HTTP/1.1\r\nHost: h:\r\n\r\n", b"GET / "),
    (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", b"GET / "),
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
    (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400),
    (b"FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405),
    (b"CONNECT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 405),
    (b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\na", 417),
    (b"GET http://user@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http://user:secret@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http://:80/x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http://h:65536/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET http://h:8x/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a;proto=https\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h:-1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
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


def read(data: bytes, pieces: int) -> tuple[Echo, Recorder]:
    """`data` in reads of `pieces` bytes, each request answered."""
    app = Echo()
    server = HttpServer(app, host="", port=0, clock=SystemClock())
    connection, transport = ServerConnection(server), Recorder()
    connection.connection_made(transport)  # type: ignore[arg-type]
    for i in range(0, len(data), pieces):
        if not transport.closed:
            connection.data_received(data[i : i + pieces])
    return app, transport


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize("case", BAD_HEADS)
def test_an_ambiguous_head_is_refused(case: str, pieces: int) -> None:
    app, transport = read(b"POST / HTTP/1.1\r\nHost: h\r\n" + BAD_HEADS[case], pieces)
    assert app.begun == []
    assert transport.ended
    assert transport.out.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), transport.out[:60]


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize("case", BAD_BODIES)
def test_an_ambiguous_body_ends_the_connection(case: str, pieces: int) -> None:
    app, transport = read(b"POST / HTTP/1.1\r\nHost: h\r\n" + BAD_BODIES[case], pieces)
    assert (len(app.begun), app.left) == (1, 1)
    assert (transport.closed, transport.out) == (True, b"")


def test_a_value_that_looks_like_a_head_is_never_taken_for_one() -> None:
    """The second read begins with a method and ends with an empty line, in the middle of a header."""
    app = Echo()
    connection = ServerConnection(HttpServer(app, host="", port=0, clock=SystemClock()))
    connection.connection_made(Recorder())  # type: ignore[arg-type]
    connection.data_received(b"GET /x HTTP/1.1\r\nHost: h\r\nX: ")
    connection.data_received(b"GET /evil HTTP/1.1\r\nY: z\r\n\r\n")
    request = app.begun[0]
    assert (request.target, request.raw) == (b"/x", None)
    assert (b"X", b"GET /evil HTTP/1.1") in request.headers


@pytest.mark.parametrize(
    "start", [b"GET  /x HTTP/1.1", b"GET /x  HTTP/1.1", b"\r\nGET /x HTTP/1.1"]
)
def test_a_start_line_that_is_not_canonical_is_made_so(start: bytes) -> None:
    app, _ = read(start + b"\r\nHost: h\r\n\r\n", 1 << 20)
    assert (app.begun[0].target, app.begun[0].raw) == (b"/x", None)


def test_trailers_belong_to_the_request_they_end() -> None:
    post = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    app, _ = read(post + b"X-Sum: 1\r\nx-b: 2\r\n\r\n" + post + b"\r\n", 1)
    assert [r.trailers for r in app.begun] == [[(b"X-Sum", b"1"), (b"x-b", b"2")], ()]


@pytest.mark.parametrize(
    ("extra", "plain"),
    [
        (b"", True),
        (b"Connection: keep-alive\r\n", True),
        (b"connection: Keep-Alive\r\n", True),
        (b"Connection: keep-alive, X-A\r\n", False),
        (b"Connection: keep-alive\r\nConnection: X-A\r\n", False),
        (b"Connection: close\r\n", False),
    ],
)
def test_keep_alive_alone_leaves_a_head_as_it_came(extra: bytes, plain: bool) -> None:
    app, _ = read(b"GET / HTTP/1.1\r\nHost: h\r\n" + extra + b"\r\n", 1 << 20)
    request = app.begun[0]
    assert (request.raw is not None and not request.seen & CONNECTION) == plain


def test_keep_alive_in_http10_is_still_its_own_matter() -> None:
    _, transport = read(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1 << 20)
    assert b"\r\nConnection: keep-alive\r\n" in transport.out
    assert not transport.closed


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
    transport = Recorder()
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
