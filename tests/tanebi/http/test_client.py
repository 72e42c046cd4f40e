"""Whole requests: reuse, limits, deadlines, and what may be sent twice."""

from __future__ import annotations

import asyncio

import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.client import HttpClient, parse_url
from tanebi.http.errors import (
    BadResponse,
    ConnectFailed,
    ExchangeTimeout,
    PeerReset,
    ResponseTooLarge,
    StaleConnection,
)
from tanebi.http.podstreams import PodWays
from tanebi.http.upstream import Upstreams
from tanebi.testing.h2 import H2App, H2Request, serving_h2
from tanebi.testing.http import Address, Handler, answering, ok, read_request, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


def url(address: Address, path: str = "/") -> str:
    return f"http://{address[0]}:{address[1]}{path}"


@pytest.mark.parametrize(
    ("text", "address", "host", "target"),
    [
        ("http://a", ("a", 80), b"a", b"/"),
        ("http://a:81/x?y=1#z", ("a", 81), b"a:81", b"/x?y=1"),
        ("https://a/é", ("a", 443), b"a", b"/%C3%A9"),
        ("http://u:p@a/", ("a", 80), b"a", b"/"),
        ("http://[::1]:5/", ("::1", 5), b"[::1]:5", b"/"),
    ],
)
def test_urls(text: str, address: Address, host: bytes, target: bytes) -> None:
    origin = parse_url(text)
    assert (origin.address, origin.host, origin.target) == (address, host, target)


@pytest.mark.parametrize(
    "text", ["", "a/b", "ftp://a/", "http:///x", "http://a/b c", "http://a\r\n/"]
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(ValueError):
        parse_url(text)


async def test_data_goes_and_comes_byte_for_byte_over_one_connection() -> None:
    dialled = 0

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialled
        dialled += 1
        await answering(lambda head, body: ok(body, b"X-Head: " + head.split(b"\r\n")[0]))(
            reader, writer
        )

    client = HttpClient(SystemClock())
    async with serving(app) as address:
        body = bytes(range(256)) * 4096
        for method in ("POST", "PUT", "POST"):
            got = await client.request(method, url(address, "/p"), body=body, timeout_s=5)
            assert (got.status, got.body) == (200, body)
            assert (b"X-Head", f"{method} /p HTTP/1.1".encode()) in list(got.headers)
        head = await client.request("HEAD", url(address), timeout_s=5)
        assert head.body == b""
        assert dialled == 1
        client.close()


async def test_the_peer_may_be_elsewhere_than_the_url_says() -> None:
    client = HttpClient(SystemClock())
    async with serving(answering(lambda head, body: ok(head))) as address:
        got = await client.request(
            "GET", "http://hello.default.localhost:1/x", timeout_s=5, address=address
        )
        assert b"Host: hello.default.localhost:1\r\n" in got.body
        client.close()


@pytest.mark.parametrize("answer", [ok(b"x" * 2000), b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000])
async def test_a_large_answer_is_not_collected(answer: bytes) -> None:
    client = HttpClient(SystemClock())
    async with serving(answering(lambda head, body: answer)) as address:
        with pytest.raises(ResponseTooLarge, match="1000 bytes"):
            await client.request("GET", url(address), timeout_s=5, response_max=1000)


async def test_deadlines_end_silence_and_dribble() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x")
            await asyncio.sleep(0.01)

    client = HttpClient(SystemClock())
    for handler in (silent, dribble):
        async with serving(handler) as address:
            with pytest.raises(ExchangeTimeout, match=r"0\.2 s"):
                await client.request("GET", url(address), timeout_s=0.2)


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (answering(lambda head, body: b""), PeerReset),
        (answering(lambda head, body: b"nonsense\r\n"), BadResponse),
    ],
)
async def test_failures_are_told_apart(handler: Handler, error: type[Exception]) -> None:
    client = HttpClient(SystemClock())
    async with serving(handler) as address:
        with pytest.raises(error):
            await client.request("POST", url(address), body=b"x", timeout_s=5)
    with pytest.raises(ConnectFailed):
        await client.request("GET", url(address), timeout_s=5)


async def test_a_stale_connection_is_tried_again_only_for_what_is_replayable() -> None:
    served = 0

    async def once_a_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await read_request(reader)
        served += 1
        writer.write(ok(b"x"))
        await reader.read(1)

    client = HttpClient(SystemClock())
    async with serving(once_a_connection) as address:
        for _ in range(3):
            assert (await client.request("GET", url(address), timeout_s=5)).status == 200
        assert served == 3
        with pytest.raises(StaleConnection):
            await client.request("POST", url(address), body=b"x", timeout_s=5)


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12"])
async def test_a_kept_connection_that_said_something_is_not_stale(begun: bytes) -> None:
    async def second_in_part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (ok(b"x"), begun):
            await read_request(reader)
            writer.write(answer)

    client = HttpClient(SystemClock())
    async with serving(second_in_part) as address:
        await client.request("POST", url(address), body=b"x", timeout_s=5)
        with pytest.raises(PeerReset) as caught:
            await client.request("POST", url(address), body=b"x", timeout_s=5)
        assert not isinstance(caught.value, StaleConnection)


async def test_silence_on_a_kept_connection_ends_at_the_deadline() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(ok(b"x"))
        await reader.read(-1)

    upstreams = Upstreams(SystemClock())
    client = HttpClient(SystemClock(), upstreams)
    async with serving(once) as address:
        await client.request("POST", url(address), body=b"x", timeout_s=5)
        assert len(upstreams.pool) == 1
        with pytest.raises(ExchangeTimeout, match=r"0\.1 s"):
            await client.request("POST", url(address), body=b"x", timeout_s=0.1)
        assert len(upstreams.pool) == 0


async def test_a_cancelled_request_takes_its_connection_with_it() -> None:
    upstreams = Upstreams(SystemClock())
    client = HttpClient(SystemClock(), upstreams)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with serving(silent) as address:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.request("GET", url(address), timeout_s=5)
        assert len(upstreams.pool) == 0


async def test_an_address_where_http2_is_spoken() -> None:
    def on_end(request: H2Request) -> None:
        if request.field(b":path") == b"/slow":
            return
        request.answer(200, request.body + b"!", [(b"x-a", b"b")])

    app, clock = H2App(on_end=on_end), SystemClock()
    ways = PodWays(clock, Upstreams(clock))
    client = HttpClient(clock, ways=ways)
    async with serving_h2(app) as at:
        ways.speaks_h2(at, True)
        where = "http://name.example/p?q"
        headers = [(b"Host", b"other.example"), (b"ce-id", b"1"), (b"Connection", b"close")]
        for _ in range(2):
            answer = await client.request("POST", where, headers, b"event", timeout_s=5, address=at)
            assert (answer.status, answer.body) == (200, b"event!")
        assert app.requests[0].fields == [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"other.example"),
            (b":path", b"/p?q"),
            (b"ce-id", b"1"),
            (b"content-length", b"5"),
        ]
        assert len(app.connections) == 1
        with pytest.raises(ResponseTooLarge):
            await client.request(
                "POST", where, (), b"event", timeout_s=5, response_max=3, address=at
            )
        with pytest.raises(ExchangeTimeout):
            await client.request("GET", "http://h/slow", timeout_s=0.2, address=at)
        await wait_until(lambda: app.resets == [8])
        ways.close()
