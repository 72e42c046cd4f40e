"""One request on its way: heads, bodies both ways, failures and times, over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from typing import Any

import h11
import pytest

from activator.facts import RevisionFacts
from tanebi.testing.http import answering, ok, read_request, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

HOST = "hello.default.localhost"
BIG = 50 * 1024 * 1024


def echo_head(head: bytes, body: bytes) -> bytes:
    return ok(head)


async def test_headers_keep_order_and_case_and_ours_are_added(world: Any) -> None:
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.send(
            b"GET /a?b=%20c HTTP/1.1\r\nX-first: 1\r\nHOST: Hello.default.localhost:80\r\nx-SECOND:  two words\r\n"
            b"Knative-Serving-Revision: x\r\nCookie: a=b\r\n\r\n"
        )
        got = (await client.answer()).body.decode().split("\r\n")
        assert got[:2] == ["GET /a?b=%20c HTTP/1.1", "Host: Hello.default.localhost:80"]
        assert got[2:5] == ["X-first: 1", "x-SECOND: two words", "Cookie: a=b"]
        assert got[5:] == [
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: Hello.default.localhost:80",
            "Forwarded: for=127.0.0.1;host=Hello.default.localhost:80;proto=http",
            "K-Proxy-Request: activator",
            "",
            "",
        ]


async def test_a_plain_head_travels_as_it_came(world: Any) -> None:
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.get("/plain", host=HOST, extra="x-Odd:value\r\n")
        got = (await client.answer()).body
        assert got.startswith(
            b"GET /plain HTTP/1.1\r\nHost: %b\r\nx-Odd:value\r\nX-Forwarded-For" % HOST.encode()
        )
        assert got.count(b"\r\n\r\n") == 1


async def test_forwarded_headers_of_the_client_are_extended(world: Any) -> None:
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.get(
            host=HOST,
            extra="X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n",
        )
        got = (await client.answer()).body
        assert b"\r\nX-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n" in got
        assert got.count(b"X-Forwarded-Proto: https") == 1
        assert got.count(b"X-Forwarded-Host: a.example") == 1
        assert b"\r\nForwarded: for=10.0.0.1;host=a.example;proto=https, for=127.0.0.1\r\n" in got


async def test_hop_by_hop_headers_stay_on_their_hop(world: Any) -> None:
    def respond(head: bytes, body: bytes) -> bytes:
        return ok(
            head,
            b"Connection: X-Secret, keep-alive",
            b"X-Secret: s",
            b"Keep-Alive: timeout=5",
            b"X-Seen: y",
        )

    async with world() as w, serving(answering(respond)) as app:
        w.pods(app)
        client = await w.client()
        client.get(
            host=HOST,
            extra="Connection: X-Drop\r\nX-Drop: me\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Keep: 1\r\n",
        )
        answer = await client.answer()
        for gone in (b"X-Drop", b"TE:", b"Upgrade", b"Connection"):
            assert gone not in answer.body
        assert b"X-Keep: 1" in answer.body
        assert answer.header("x-seen") == b"y"
        assert (
            answer.header("x-secret")
            is answer.header("keep-alive")
            is answer.header("connection")
            is None
        )


async def test_connections_are_kept_on_both_sides_also_after_post(world: Any) -> None:
    dialled = 0

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialled
        dialled += 1
        await answering(lambda head, body: ok(body or b"-"))(reader, writer)

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        for i in range(5):
            client.send(
                b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 1\r\n\r\n%d" % (HOST.encode(), i)
            )
            assert (await client.answer()).body == b"%d" % i
            client.get(host=HOST)
            assert (await client.answer()).body == b"-"
        assert dialled == 1


async def test_chunked_bodies_pass_both_ways_with_trailers_of_the_answer(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await read_request(reader)
        assert b"Transfer-Encoding: chunked" in head
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        for i in range(0, len(body), 3):
            piece = body[i : i + 3]
            writer.write(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\nKeep-Alive: 3\r\nX-Sum: 9\r\n\r\n")
        writer.close()

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.send(
            b"POST / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % HOST.encode()
        )
        for piece in (b"4\r\nabcd\r\n", b"3\r", b"\nefg\r\n0\r\n", b"X-Trailer: no\r\n\r\n"):
            client.send(piece)
            await asyncio.sleep(0.01)
        raw = await client.reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in raw.lower()
        rest = await client.reader.readuntil(b"X-Sum: 9\r\n\r\n")
        assert b"Keep-Alive" not in rest
        assert b"".join(rest.split(b"\r\n")[1:6:2]) == b"abcdefg"


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

    async with world() as w, serving(app) as address:
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
        assert peak < 16 * 1024 * 1024


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


async def test_pipelined_requests_are_answered_in_order(world: Any) -> None:
    async with (
        world() as w,
        serving(answering(lambda head, body: ok(head.split()[1] + body))) as app,
    ):
        w.pods(app)
        client = await w.client()
        wanted = [b"/%d" % i for i in range(40)]
        post = b"POST /post HTTP/1.1\r\nHost: %b\r\nContent-Length: 2\r\n\r\nhi" % HOST.encode()
        client.send(
            post
            + b"".join(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (t, HOST.encode()) for t in wanted)
            + post
        )
        got = [(await client.answer()).body for _ in range(42)]
        assert got == [b"/posthi", *wanted, b"/posthi"]


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


async def test_a_request_waits_for_the_first_pod_and_pokes_once(world: Any, revision: Any) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(b"awake"))) as app:
        clients = [await w.client() for _ in range(5)]
        for client in clients:
            client.get(host=HOST)
        await wait_until(lambda: w.backend.throttler.waiting == 5)
        assert w.sink.pokes == [revision]
        w.pods(app, ready=False)  # our own probe finds it before the kubelet says so
        for client in clients:
            assert (await client.answer()).body == b"awake"


async def test_a_client_that_leaves_the_queue_is_forgotten(world: Any) -> None:
    async with world() as w:
        staying, leaving = await w.client(), await w.client()
        leaving.get(host=HOST)
        staying.get(host=HOST)
        await wait_until(lambda: w.backend.throttler.waiting == 2)
        leaving.close()
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
        client.close()
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_container_concurrency_is_never_exceeded(world: Any) -> None:
    busy = most = 0

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        try:
            while True:
                await read_request(reader)
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0.01)
                busy -= 1
                writer.write(ok(b"x"))
        except EOFError:
            pass

    async with world(RevisionFacts(concurrency=2)) as w, serving(app) as address:
        w.pods(address)
        clients = [await w.client() for _ in range(12)]
        for _ in range(3):
            for client in clients:
                client.get(host=HOST)
            for client in clients:
                assert (await client.answer()).status == 200
        assert most == 2


async def test_a_pod_that_refuses_connections_loses_no_request(world: Any) -> None:
    async with world() as w:
        async with serving(answering(lambda head, body: ok(b"x"))) as gone:
            pass
        w.pods(gone)
        client = await w.client()
        client.get(host=HOST)
        await wait_until(lambda: w.backend.throttler.waiting == 1)
        async with serving(answering(lambda head, body: ok(b"second"))) as other:
            w.pods(gone, other)
            assert (await client.answer()).body == b"second"


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


@pytest.mark.parametrize(
    "facts",
    [RevisionFacts(timeout_s=0.5), RevisionFacts(idle_timeout_s=0.4)],
    ids=["total", "idle"],
)
async def test_after_the_first_byte_a_timeout_cuts(world: Any, facts: RevisionFacts) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read(-1)

    async with world(facts) as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=HOST)
        assert (await client.reader.readuntil(b"half")).startswith(b"HTTP/1.1 200")
        assert await client.closed() == b""


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
