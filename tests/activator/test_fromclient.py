"""Bodies of requests, slow and leaving clients, and the three times of a revision."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from typing import Any

import pytest

from activator.facts import RevisionFacts
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

HOST = "hello.default.localhost"
BIG = 64 * 1024 * 1024


@pytest.mark.parametrize("size", [1024 * 1024, BIG])
async def test_large_bodies_both_ways_in_bounded_memory(world: Any, size: int) -> None:
    block = bytes(range(256)) * 256

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: %d" % size in head
        digest, left = hashlib.sha256(), size
        while left:
            piece = await reader.read(min(65536, left))
            digest.update(piece)
            left -= len(piece)
        writer.write(
            b"HTTP/1.1 200 OK\r\nX-Sum: %b\r\nContent-Length: %d\r\n\r\n"
            % (digest.hexdigest().encode(), size)
        )
        for _ in range(size // len(block)):
            writer.write(block)
            await writer.drain()

    async with world() as w, serving(app, limit=1 << 16) as address:
        w.pods(address)
        client = await w.client()
        tracemalloc.start()
        client.send(
            b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (HOST.encode(), size)
        )
        for _ in range(size // len(block)):
            client.send(block)
            await client.writer.drain()
        head = await client.reader.readuntil(b"\r\n\r\n")
        expected = (
            hashlib.sha256(block * (size // len(block))).hexdigest() if size <= 1 << 20 else None
        )
        if expected:
            assert expected.encode() in head
        got, digest = 0, hashlib.sha256()
        while got < size:
            piece = await client.reader.read(65536)
            digest.update(piece)
            got += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert digest.hexdigest().encode() in head
        assert peak < 8 * 1024 * 1024


async def test_a_slow_app_holds_the_client_back(world: Any) -> None:
    go = asyncio.Event()

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await go.wait()
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readuntil(b"\r\n\r\n")
        left = BIG
        while left:
            left -= len(await reader.read(1 << 20))
        writer.write(ok(b"done"))

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(
            b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (HOST.encode(), BIG)
        )
        sent, stuck = 0, False
        while sent < BIG and not stuck:
            client.send(b"y" * 65536)
            sent += 65536
            try:
                async with asyncio.timeout(0.5):
                    await client.writer.drain()
            except TimeoutError:
                stuck = True
        assert stuck
        assert sent < BIG // 2
        go.set()
        while sent < BIG:
            client.send(b"y" * 65536)
            sent += 65536
            await client.writer.drain()
        assert (await client.answer()).body == b"done"


async def test_an_early_answer_to_an_upload_reaches_the_client(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(
            b"PUT / HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (HOST.encode(), BIG)
        )
        client.send(b"z" * 300_000)
        answer = await client.answer()
        assert (answer.status, answer.body, answer.header("connection")) == (413, b"big", b"close")
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_a_client_that_leaves_the_queue_is_forgotten(world: Any) -> None:
    async with world() as w:
        staying, leaving = await w.client(), await w.client()
        leaving.get(host=HOST)
        staying.get(host=HOST)
        await wait_until(lambda: w.backend.throttler.waiting == 2)
        leaving.reset()
        await wait_until(lambda: w.backend.throttler.waiting == 1)
        async with serving(answering(lambda head, body: ok(b"hi"))) as app:
            w.pods(app)
            assert (await staying.answer()).body == b"hi"
        assert w.backend.meter.concurrency == 0


async def test_a_client_that_leaves_in_the_answer_frees_the_slot(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        assert await reader.read(-1) == b""

    async with world(RevisionFacts(concurrency=1)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        await client.reader.readuntil(b"half")
        assert w.backend.throttler.in_flight == 1
        client.reset()
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_the_total_timeout_gives_504_before_the_first_byte(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with world(RevisionFacts(timeout_s=0.3)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        answer = await client.answer()
        assert (answer.status, answer.body) == (504, b"request timeout\n")
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_the_wait_for_a_pod_ends_with_503(world: Any) -> None:
    async with world(RevisionFacts(timeout_s=0.3)) as w:
        client = await w.client()
        client.get(host=HOST)
        answer = await client.answer()
        assert (answer.status, answer.body) == (503, b"activator request timeout\n")
        assert w.backend.throttler.waiting == 0


LATE = pytest.mark.parametrize(
    "facts",
    [RevisionFacts(timeout_s=0.5), RevisionFacts(idle_timeout_s=0.4)],
    ids=["total", "idle"],
)


def stalling(start: bytes) -> Any:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        await reader.read(-1)

    return app


@LATE
async def test_after_the_first_byte_a_timeout_is_appended(world: Any, facts: RevisionFacts) -> None:
    app = stalling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
    async with world(facts) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"halfrequest timeout")
        assert await client.closed() == b""
        assert w.backend.throttler.in_flight == w.backend.meter.concurrency == 0


async def test_an_answer_that_ends_with_its_connection_has_room_too(world: Any) -> None:
    app = stalling(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    async with world(RevisionFacts(timeout_s=0.3)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(b"GET / HTTP/1.0\r\nHost: %b\r\n\r\n" % HOST.encode())
        assert (await client.closed()).endswith(b"\r\n\r\nhalfrequest timeout")


@LATE
async def test_an_answer_of_known_length_has_no_room_and_is_cut(
    world: Any, facts: RevisionFacts
) -> None:
    app = stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    async with world(facts) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        assert (await client.reader.readuntil(b"half")).startswith(b"HTTP/1.1 200")
        assert await client.closed() == b""


async def test_a_timeout_in_the_upload_reaches_the_client_too(world: Any) -> None:
    app = stalling(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    async with world(RevisionFacts(timeout_s=0.4)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 9\r\n\r\nab" % HOST.encode())
        assert (await client.answer(method="POST")).body == b"halfrequest timeout"
        client.close()


async def test_idle_time_counts_only_silence(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.15)
            writer.write(b"x")

    async with world(RevisionFacts(idle_timeout_s=0.6)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        assert (await client.answer()).body == b"x" * 8


async def test_the_response_start_timeout_looks_only_at_the_start(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/late" in head:
            await reader.read(-1)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.6)
        writer.write(b"slow")

    async with world(RevisionFacts(response_start_timeout_s=0.3)) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get("/early", host=HOST)
        assert (await client.answer()).body == b"slow"
        client.get("/late", host=HOST)
        assert (await client.answer()).status == 504


async def test_full_duplex_an_app_that_echoes_as_it_reads(world: Any) -> None:
    """The answer begins before the request has ended, and both go on: no annotation is needed."""

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int(await reader.readline(), 16):
            writer.write(b"%x\r\n" % size + await reader.readexactly(size + 2))
        await reader.readline()
        writer.write(b"0\r\n\r\n")

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(
            b"POST / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % HOST.encode()
        )
        await client.reader.readuntil(b"\r\n\r\n")
        for piece in (b"one", b"two", b"x" * 100_000):
            chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
            client.send(chunk)
            got = b""
            while len(got) < len(piece):
                got += await client.reader.readexactly(int(await client.reader.readline(), 16))
                await client.reader.readexactly(2)
            assert got == piece
        client.send(b"0\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"0\r\n\r\n"
        await wait_until(lambda: w.backend.throttler.in_flight == 0)
        client.close()
