"""What the gateway does with a request is the same whatever version its client and its pod speak: one suite, four pairs."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import anyio
import h11
import pytest

from activator.facts import RevisionFacts
from tanebi.testing.h2 import H2App, H2Client, H2Request, connect_h2, serving_h2
from tanebi.testing.http import Client, answering, serving
from tanebi.testing.waiting import wait_until
from tests.activator.conftest import HOST, World, running

pytestmark = pytest.mark.anyio

Version = Literal["http1", "h2"]
Fields = list[tuple[bytes, bytes]]


@dataclass
class Got:
    """An answer, whatever version brought it. `whole`: it was not cut."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    whole: bool = True


@dataclass
class Pair:
    """A gateway between a client and an app. `respond(target, headers, body)` is the app; None: it hangs."""

    world: World
    ask: Callable[..., object]
    seen: list[tuple[bytes, Fields, bytes]]

    async def __call__(
        self,
        target: str = "/",
        *,
        method: str = "GET",
        headers: Fields | None = None,
        body: bytes = b"",
    ) -> Got:
        found = await self.ask(target, method, headers or [], body)  # type: ignore[misc]
        assert isinstance(found, Got)
        return found


def app_answer(target: bytes, body: bytes) -> tuple[int, Fields, bytes] | None:
    if target.startswith(b"/hang"):
        return None
    if target.startswith(b"/empty"):
        return 204, [], b""
    if target.startswith(b"/big"):
        return 200, [(b"content-length", b"3000000")], b"z" * 3_000_000
    return 200, [(b"x-app", b"yes"), (b"content-length", b"%d" % len(body))], body


@asynccontextmanager
async def pod(
    version: Version, seen: list[tuple[bytes, Fields, bytes]]
) -> AsyncIterator[tuple[str, int]]:
    if version == "h2":

        def on_end(request: H2Request) -> None:
            target = request.field(b":path") or b""
            seen.append((target, request.fields, request.body))
            answer = app_answer(target, request.body)
            if answer is not None:
                request.answer(answer[0], answer[2], answer[1])

        async with serving_h2(H2App(on_end=on_end)) as at:
            yield at
        return

    def respond(head: bytes, body: bytes) -> bytes:
        lines = head.split(b"\r\n")
        target = lines[0].split(b" ")[1]
        fields = [
            (n.lower(), v) for n, _, v in (line.partition(b": ") for line in lines[1:] if line)
        ]
        seen.append((target, fields, body))
        answer = app_answer(target, body)
        if answer is None:
            hanging.append(target)
            return b"HTTP/1.1 100 Continue\r\n\r\n"
        status, headers, content = answer
        block = b"".join(n + b": " + v + b"\r\n" for n, v in headers)
        return b"HTTP/1.1 %d X\r\n%b\r\n%b" % (status, block, content)

    hanging: list[bytes] = []
    async with serving(answering(respond)) as at:
        yield at


async def ask_plain(client: Client, target: str, method: str, headers: Fields, body: bytes) -> Got:
    lines = "".join(f"{n.decode()}: {v.decode()}\r\n" for n, v in headers)
    if body:
        lines += f"Content-Length: {len(body)}\r\n"
    client.get(target, host=HOST, method=method, extra=lines)
    client.send(body)
    try:
        answer = await client.answer(method=method)
    except h11.RemoteProtocolError:
        return Got(0, {}, b"", whole=False)
    return Got(answer.status, {n.lower(): v for n, v in answer.headers}, answer.body)


async def ask_h2(client: H2Client, target: str, method: str, headers: Fields, body: bytes) -> Got:
    number = client.begin(target, host=HOST, method=method, headers=headers, ended=not body)
    if body:
        await client.send(number, body, ended=True)
    answer = await client.answer(number)
    return Got(answer.status, dict(answer.headers), answer.body, whole=answer.ended)


@asynccontextmanager
async def between(
    client: Version, app: Version, facts: RevisionFacts | None = None
) -> AsyncIterator[Pair]:
    seen: list[tuple[bytes, Fields, bytes]] = []
    async with running(facts) as world, pod(app, seen) as at:
        world.pods(at, h2c=app == "h2")
        if client == "h2":
            connection = await connect_h2(world.gateway.address)
            try:
                yield Pair(world, lambda *args: ask_h2(connection, *args), seen)
            finally:
                connection.close()
        else:
            plain = await world.client()
            yield Pair(world, lambda *args: ask_plain(plain, *args), seen)


pairs = pytest.mark.parametrize(
    ("client", "app"), [("http1", "http1"), ("http1", "h2"), ("h2", "http1"), ("h2", "h2")]
)


@pairs
async def test_a_body_and_its_headers_go_there_and_back(client: Version, app: Version) -> None:
    async with between(client, app) as ask:
        got = await ask(
            "/a?b=%20",
            method="POST",
            headers=[(b"x-one", b"1"), (b"cookie", b"a=b")],
            body=b"q" * 70_000,
        )
        assert (got.status, got.body, got.headers[b"x-app"]) == (200, b"q" * 70_000, b"yes")
        target, fields, body = ask.seen[0]
        found = dict(fields)
        assert (target, len(body)) == (b"/a?b=%20", 70_000)
        assert (found[b"x-one"], found[b"cookie"]) == (b"1", b"a=b")
        assert found[b"x-forwarded-for"] == b"127.0.0.1"
        assert found[b"x-forwarded-proto"] == b"http"
        assert found[b"forwarded"].startswith(b"for=127.0.0.1;host=hello")
        assert found[b"k-proxy-request"] == b"activator"
        assert found.get(b"host", found.get(b":authority")) == HOST.encode()


@pairs
async def test_answers_big_small_and_empty(client: Version, app: Version) -> None:
    async with between(client, app) as ask:
        assert len((await ask("/big")).body) == 3_000_000
        assert (await ask("/small")).body == b""
        assert (await ask("/empty")).status == 204
        assert (await ask("/big", method="HEAD" if app == "http1" else "GET")).status == 200


@pairs
async def test_platform_headers_stay_with_the_platform(client: Version, app: Version) -> None:
    async with between(client, app) as ask:
        await ask(
            headers=[(b"knative-serving-revision", b"x"), (b"knative-serving-namespace", b"y")]
        )
        assert not [n for n, _ in ask.seen[0][1] if n.startswith(b"knative-serving-")]


@pairs
async def test_a_hanging_app_is_a_504_and_gives_its_slot_back(
    client: Version, app: Version
) -> None:
    facts = RevisionFacts(concurrency=1, response_start_timeout_s=0.3)
    async with between(client, app, facts) as ask:
        got = await ask("/hang")
        assert (got.status, got.body) == (504, b"request timeout\n")
        await wait_until(lambda: ask.world.backend.throttler.in_flight == 0)
        assert (await ask("/fine")).status == 200


@pairs
async def test_no_pod_in_time_is_a_503(client: Version, app: Version) -> None:
    async with between(client, app, RevisionFacts(timeout_s=0.3)) as ask:
        ask.world.pods()
        got = await ask()
        assert (got.status, got.body) == (503, b"activator request timeout\n")


async def test_a_get_that_a_dying_connection_did_not_answer_is_asked_again() -> None:
    def on_end(request: H2Request) -> None:
        if len(app.requests) == 2:
            request.app.transport.abort()
        else:
            request.answer(200, b"%d" % len(app.requests))

    app = H2App(on_end=on_end)
    async with running() as world, serving_h2(app) as at:
        world.pods(at, h2c=True)
        client = await connect_h2(world.gateway.address)
        assert (await client.get(host=HOST)).body == b"1"
        assert (await client.get(host=HOST)).body == b"3"
        client.close()


async def test_a_refused_stream_is_asked_again_whatever_its_method() -> None:
    refused = []

    def on_head(request: H2Request) -> None:
        if not refused:
            refused.append(request)
            request.reset(7)

    app = H2App(on_head=on_head)
    async with running() as world, serving_h2(app) as at:
        world.pods(at, h2c=True)
        client = await connect_h2(world.gateway.address)
        number = client.begin(host=HOST, method="POST", ended=False)
        await wait_until(lambda: len(app.requests) == 2)
        await client.send(number, b"body", ended=True)
        assert (await client.answer(number)).body == b"body"
        client.close()


async def test_a_slow_reader_holds_back_its_own_source_only() -> None:
    def on_end(request: H2Request) -> None:
        request.head(200)
        size = 5_000_000 if request.field(b":path") == b"/slow" else 300_000
        request.data(b"x" * size, ended=True)

    app = H2App(on_end=on_end)
    async with running() as world, serving_h2(app) as at:
        world.pods(at, h2c=True)
        client = await connect_h2(world.gateway.address)
        slow = client.begin("/slow", host=HOST)
        client.lazy.add(slow)
        await client.until(lambda: len(client.answers[slow].body) == 65535)
        for _ in range(3):
            assert len((await client.get("/quick", host=HOST)).body) == 300_000
        (connection,) = app.connections
        (left, _), *_ = connection.waiting.values()
        taken = 5_000_000 - len(left)
        assert (
            taken <= 65535 + 65536 + 16384 + 262144
        )  # the client's window, ours here, and the pod's
        client.lazy.discard(slow)
        client.h2.increment_flow_control_window(1 << 24, stream_id=slow)
        client.flush()
        assert len((await client.answer(slow)).body) == 5_000_000
        client.close()


async def test_a_client_that_leaves_cancels_the_stream_at_the_pod() -> None:
    app = H2App(on_end=lambda request: None)
    async with running() as world, serving_h2(app) as at:
        world.pods(at, h2c=True)
        client = await connect_h2(world.gateway.address)
        number = client.begin(host=HOST)
        await wait_until(lambda: app.requests)
        client.reset(number)
        await wait_until(lambda: app.resets == [8])
        plain = await world.client()
        plain.get(host=HOST)
        await wait_until(lambda: len(app.requests) == 2)
        own = plain.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.writer.transport.abort()  # a reset: the end alone might be half a close
        await wait_until(lambda: app.resets == [8, 8])
        assert len(app.connections) == 1
        client.close()


async def test_half_an_answer_is_seen_to_be_half() -> None:
    def on_end(request: H2Request) -> None:
        request.head(200)
        request.data(b"half")

    app = H2App(on_end=on_end)
    async with running() as world, serving_h2(app) as at:
        world.pods(at, h2c=True)
        client, plain = await connect_h2(world.gateway.address), await world.client()
        number = client.begin(host=HOST)
        await client.until(lambda: client.answers[number].body == b"half")
        plain.get(host=HOST)
        await wait_until(lambda: len(app.requests) == 2)
        app.connections[0].transport.abort()
        assert (await client.answer(number)).reset == 2
        with pytest.raises(h11.RemoteProtocolError):
            await plain.answer()
        client.close()


async def test_grpc_trailers_pass_to_a_client_of_http1() -> None:
    def on_end(request: H2Request) -> None:
        request.head(200, [(b"content-type", b"application/grpc")])
        request.data(b"m")
        request.end([(b"grpc-status", b"0")])

    async with running() as world, serving_h2(H2App(on_end=on_end)) as at:
        world.pods(at, h2c=True)
        client = await world.client()
        client.get(host=HOST)
        with anyio.fail_after(5):
            raw = await client.reader.readuntil(b"grpc-status: 0\r\n\r\n")
        assert b"1\r\nm\r\n0\r\n" in raw
