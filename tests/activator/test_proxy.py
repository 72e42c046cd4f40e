"""One request on its way: heads, bodies both ways, failures and times, over real sockets."""

from __future__ import annotations

import asyncio
import re
from typing import Any

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
            'Forwarded: for=127.0.0.1;host="Hello.default.localhost:80";proto=http',
            "K-Proxy-Request: activator",
            got[10],
            "",
            "",
        ]
        assert re.fullmatch(r"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01", got[10])


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
            extra="Connection: X-Drop, TE\r\nX-Drop: me\r\nTE: gzip\r\nUpgrade: h2c\r\nX-Keep: 1\r\n",
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


async def test_trailers_of_a_chunked_request_reach_the_app(world: Any) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"\r\n\r\n")
        writer.write(ok(head + body))

    async with world() as w, serving(app) as address:
        client = await w.client()
        client.send(
            b"POST / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n"
            b"Trailer: X-Sum\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nx-ODD:  2\r\nHost: evil\r\n\r\n"
            % HOST.encode()
        )
        await wait_until(lambda: w.backend.throttler.waiting == 1)
        w.pods(address)
        got = (await client.answer()).body
        assert got.endswith(b"\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nx-ODD: 2\r\n\r\n")
        assert b"\r\nTE: trailers\r\n" in got
        assert b"\r\nTrailer: X-Sum\r\n" in got
        client = await w.client()
        client.send(
            b"POST / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % HOST.encode()
        )
        await wait_until(lambda: w.backend.throttler.in_flight == 1)
        client.send(b"0\r\nA: b\r\n\r\n")
        assert (await client.answer()).body.endswith(b"\r\n\r\n0\r\nA: b\r\n\r\n")


async def test_a_plain_keep_alive_travels_as_it_came(world: Any) -> None:
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=HOST, extra="x-Odd:value\r\nConnection: keep-alive\r\n")
        got = (await client.answer()).body
        assert b"\r\nx-Odd:value\r\nConnection: keep-alive\r\nX-Forwarded-For" in got


async def test_a_trace_that_has_begun_is_passed_on(world: Any) -> None:
    trace = "TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\ntracestate: a=b\r\n"
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=HOST, extra=trace)
        got = (await client.answer()).body.decode()
        assert trace in got
        assert got.lower().count("traceparent:") == 1


async def test_headers_of_the_platform_stay_in_it_and_those_of_the_user_do_not(world: Any) -> None:
    async with world() as w, serving(answering(echo_head)) as app:
        w.pods(app)
        client = await w.client()
        client.get(
            host=HOST,
            extra="Knative-Serving-Revision: x\r\nknative-serving-namespace: y\r\nK-Original-Host: evil\r\n"
            "K-Proxy-Request: me\r\nTanebi-Server-Timing: 1\r\nKnative-Serving-Tag: blue\r\n",
        )
        got = (await client.answer()).body.lower()
        for gone in (b"serving-revision", b"serving-namespace", b"original-host", b"server-timing"):
            assert gone not in got
        assert got.count(b"k-proxy-request: activator") == got.count(b"k-proxy-request") == 1
        assert b"knative-serving-tag: blue" in got


@pytest.mark.parametrize(
    ("facts", "ask", "told"),
    [
        (RevisionFacts(), "", False),
        (RevisionFacts(), "Tanebi-Server-Timing: 1\r\n", True),
        (RevisionFacts(server_timing=True), "", True),
    ],
)
async def test_where_the_time_went_is_told_to_who_asks(
    world: Any, facts: RevisionFacts, ask: str, told: bool
) -> None:
    async with world(facts) as w, serving(answering(echo_head)) as app:
        client = await w.client()
        client.get(host=HOST, extra=ask)
        await wait_until(lambda: w.backend.throttler.waiting == 1)
        w.pods(app)
        got = (await client.answer()).header("server-timing")
        assert (got is not None) == told
        if got is not None:
            names = re.fullmatch(
                rb"route;dur=[\d.]+, queue;dur=0.000, wake;dur=([\d.]+), app;dur=([\d.]+)", got
            )
            assert names is not None
            assert float(names[1]) > 0 < float(names[2])


async def test_an_error_says_whose_it_is_and_which_revision(world: Any) -> None:
    async with world(RevisionFacts(timeout_s=0.3)) as w:
        client = await w.client()
        client.get(host=HOST, extra="Tanebi-Server-Timing: 1\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body) == (503, b"activator request timeout\n")
        told = answer.header("tanebi-error") or b""
        assert told.startswith(b"platform; revision=default/hello-00001; queued=0.")
        assert float(told.rpartition(b"=")[2]) > 0
        assert b"wake;dur=" in (answer.header("server-timing") or b"")
        async with serving(answering(lambda head, body: b"")) as app:
            w.pods(app)
            client.get(host=HOST)
            answer = await client.answer()
        assert answer.status == 502
        assert (
            answer.body
            == b"the app ended the connection before it answered (revision default/hello-00001)\n"
        )
        assert answer.header("tanebi-error") == b"app; revision=default/hello-00001; queued=0.000"
        assert answer.header("server-timing") is None
