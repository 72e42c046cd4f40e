"""Answers of every kind, failures of apps, interim heads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import h11
import pytest

from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

HOST = "hello.default.localhost"
BIG = 50 * 1024 * 1024


async def test_a_slow_reader_holds_the_app_back(world: Any) -> None:
    written = 0

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
        try:
            while written < BIG:
                writer.write(b"x" * 65536)
                written += 65536
                await writer.drain()
        except ConnectionError:
            pass

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.writer.transport.pause_reading()
        client.get(host=HOST)
        await wait_until(lambda: written > 0)
        before = -1
        while before != written:  # until the buffers of both kernels are full and it stands still
            before = written
            await asyncio.sleep(0.3)
        assert written < BIG // 2
        client.writer.transport.resume_reading()
        got = len(await client.reader.readuntil(b"\r\n\r\n")) * 0
        while got < BIG:
            got += len(await client.reader.read(1 << 20))
        assert got == BIG


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: x\r\n\r\n", 304),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ],
)
async def test_answers_without_a_body(world: Any, method: str, answer: bytes, status: int) -> None:
    async with world() as w, serving(answering(lambda head, body: answer)) as app:
        w.pods(app)
        client = await w.client()
        for _ in range(3):
            client.get(host=HOST, method=method)
            got = await client.answer(method=method)
            assert (got.status, got.body) == (status, b"")
            if status == 204:
                assert got.header("content-length") is None


async def test_an_answer_that_ends_with_its_connection_becomes_chunked(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 Fine\r\nContent-Type: x/y\r\n\r\nto the end")
        writer.close()

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        for _ in range(2):
            client.get(host=HOST)
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b"to the end")
            assert answer.header("transfer-encoding") == b"chunked"
        old = await w.client()
        old.send(b"GET / HTTP/1.0\r\nHost: %b\r\n\r\n" % HOST.encode())
        got = await old.closed()
        assert got.endswith(b"\r\n\r\nto the end")
        assert b"chunked" not in got
        assert b"Connection: close" in got


async def test_http10_keep_alive_is_answered(world: Any) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        w.pods(app)
        client = await w.client()
        for _ in range(2):
            client.send(
                b"GET / HTTP/1.0\r\nHost: %b\r\nConnection: keep-alive\r\n\r\n" % HOST.encode()
            )
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"Connection: keep-alive" in head
            assert await client.reader.readexactly(1) == b"x"


async def test_interim_answers_and_expectations_pass(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(body))

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(
            b"PUT / HTTP/1.1\r\nHost: %b\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            % HOST.encode()
        )
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"hello")
        assert b"Link: </a>" in await client.reader.readuntil(b"\r\n\r\n")
        assert (await client.answer()).body == b"hello"


async def test_a_stale_connection_is_replaced_without_the_client_noticing(world: Any) -> None:
    served = 0

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request, and hangs up at the second: what a server does whose idle time is over."""
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(ok(b"%d" % served))
        await reader.read(1)
        writer.close()

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        for i in range(1, 4):
            client.get(host=HOST)
            assert (await client.answer()).body == b"%d" % i
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 2\r\n\r\nhi" % HOST.encode())
        assert (await client.answer()).status == 502  # the app may have seen it: not sent twice


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "ended the connection"),
        (b"garbage\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "not HTTP"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "not HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "not HTTP"),
    ],
)
async def test_an_app_that_fails_gives_502(world: Any, answer: bytes, text: str) -> None:
    async with world() as w, serving(answering(lambda head, body: answer)) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=HOST)
        got = await client.answer()
        assert got.status == 502
        assert text in got.body.decode()
        await wait_until(lambda: w.backend.throttler.in_flight == 0)
        assert w.backend.counts.by_class[5] == 1


async def test_an_app_that_dies_in_its_answer_cuts_the_connection(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        with pytest.raises((h11.RemoteProtocolError, ConnectionError)):
            await client.answer()


async def test_an_early_answer_is_not_lost_in_the_reset_behind_it(world: Any) -> None:
    """The app answers, leaves the upload unread and closes: its kernel sends a reset, and our next write fails."""

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        started.set()
        await asyncio.to_thread(blocked.wait)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large")
        writer.close()

    for _ in range(5):
        started, blocked = asyncio.Event(), threading.Event()
        async with world() as w, serving(app) as address:
            w.pods(address)
            client = await w.client()
            client.send(
                f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 50000000\r\n\r\n".encode()
            )
            await started.wait()
            client.send(b"x" * 3_000_000)
            blocked.set()
            client.send(b"x" * 3_000_000)
            answer = await client.answer()
            assert (answer.status, answer.body) == (413, b"too large")
            client.reset()
