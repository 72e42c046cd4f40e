"""Connections to pods that speak HTTP/2: shared, limited, left and lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.errors import BadResponse, ConnectFailed, HttpError, NotProcessed, PeerReset
from tanebi.http.h2.upstream import H2PodStream, H2Upstreams
from tanebi.http.heads import Head
from tanebi.http.messages import Headers
from tanebi.http.pool import Address
from tanebi.testing.h2 import H2App, H2Request, serving_h2
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

GET = Head(b"GET", b"/", b"h", ())
POST = Head(b"POST", b"/", b"h", (), chunked=True)


@dataclass
class Heard:
    """Implements tanebi.http.sides.Answer."""

    interim: list[int] = field(default_factory=list)
    status: int = 0
    headers: Headers = ()
    body: bytes = b""
    trailers: Headers | None = None
    error: HttpError | None = None
    flushes: int = 0
    paused: list[bool] = field(default_factory=list)

    def on_interim(self, status: int, headers: Headers) -> None:
        self.interim.append(status)

    def on_head(self, status: int, headers: Headers, seen: int, raw: bytes | None) -> None:
        self.status, self.headers = status, headers

    def on_body(self, chunk: bytes) -> None:
        self.body += chunk

    def on_end(self, trailers: Headers, *, reusable: bool) -> None:
        self.trailers = trailers

    def on_failed(self, error: HttpError) -> None:
        self.error = error

    def on_flush(self) -> None:
        self.flushes += 1

    def on_sending_paused(self) -> None:
        self.paused.append(True)

    def on_sending_resumed(self) -> None:
        self.paused.append(False)

    @property
    def over(self) -> bool:
        return self.trailers is not None or self.error is not None


@asynccontextmanager
async def upstreams() -> AsyncIterator[H2Upstreams]:
    found = H2Upstreams(SystemClock())
    try:
        yield found
    finally:
        found.close()
        await wait_until(lambda: len(found) == 0)


async def ask(ways: H2Upstreams, at: Address, head: Head = GET) -> tuple[H2PodStream, Heard]:
    stream = ways.take(at) or await ways.dial(at)
    heard = Heard()
    stream.begin(heard, head_only=head.method == b"HEAD")
    stream.send_head(head, ended=not head.chunked)
    return stream, heard


async def test_streams_share_a_connection() -> None:
    app = H2App()
    async with serving_h2(app) as at, upstreams() as ways:
        stream, heard = await ask(ways, at, POST)
        assert stream.served == 0
        stream.send_body(b"body")
        stream.send_end([(b"X-Sum", b"4")])
        await wait_until(lambda: heard.over)
        assert (heard.status, heard.body, heard.trailers) == (200, b"body", [])
        assert app.requests[0].trailers == [(b"x-sum", b"4")]
        stream.keep()
        again, _ = await ask(ways, at)
        assert again.served == 1
        assert len(ways) == 1


async def test_a_crowd_that_dials_at_once_makes_as_few_connections_as_it_needs() -> None:
    app = H2App(on_end=lambda request: None)
    async with serving_h2(app) as at, upstreams() as ways:
        async with anyio.create_task_group() as crowd:
            for _ in range(150):
                crowd.start_soon(ask, ways, at)
        assert len(ways) == 2  # a hundred streams until a pod says otherwise
        await wait_until(lambda: len(app.requests) == 150)


async def test_interim_heads_trailers_and_an_answer_to_head() -> None:
    def on_end(request: H2Request) -> None:
        if request.field(b":method") == b"HEAD":
            request.head(200, [(b"content-length", b"77")], ended=True)
            return
        request.head(103)
        request.head(200)
        request.end([(b"grpc-status", b"0")])

    async with serving_h2(H2App(on_end=on_end)) as at, upstreams() as ways:
        _, heard = await ask(ways, at)
        await wait_until(lambda: heard.over)
        assert (heard.interim, heard.trailers) == ([103], [(b"grpc-status", b"0")])
        _, heard = await ask(ways, at, Head(b"HEAD", b"/", b"h", ()))
        await wait_until(lambda: heard.over)
        assert (heard.headers, heard.trailers) == ([(b"content-length", b"77")], [])


async def test_a_paused_answer_holds_its_pod_back_and_no_other_stream() -> None:
    def on_end(request: H2Request) -> None:
        request.head(200)
        request.data(b"x" * (20 if request.field(b":path") == b"/small" else 2_000_000), ended=True)

    async with serving_h2(H2App(on_end=on_end)) as at, upstreams() as ways:
        slow, heard = await ask(ways, at)
        slow.pause()
        await wait_until(lambda: len(heard.body) == 262144)
        _, other = await ask(ways, at, Head(b"GET", b"/small", b"h", ()))
        await wait_until(lambda: other.over)
        assert len(heard.body) == 262144
        assert heard.flushes
        slow.resume()
        await wait_until(lambda: heard.over)
        assert len(heard.body) == 2_000_000
        assert len(ways) == 1


async def test_an_upload_waits_for_the_pods_window() -> None:
    app = H2App(greedy=False)
    async with serving_h2(app) as at, upstreams() as ways:
        stream, heard = await ask(ways, at, POST)
        for _ in range(20):
            stream.send_body(b"x" * 10_000)
        assert heard.paused == [True]
        await wait_until(lambda: app.requests and len(app.requests[0].body) == 65535)
        (connection,) = app.connections
        connection.h2.increment_flow_control_window(1 << 20)
        connection.h2.increment_flow_control_window(1 << 20, stream_id=1)
        connection.flush()
        await wait_until(lambda: heard.paused == [True, False])
        stream.send_end(())
        await wait_until(lambda: heard.over)
        assert len(app.requests[0].body) == 200_000


@pytest.mark.parametrize(
    ("code", "kind"), [(7, NotProcessed), (8, PeerReset), (2, PeerReset), (1, BadResponse)]
)
async def test_a_reset_says_what_it_was(code: int, kind: type[HttpError]) -> None:
    app = H2App(on_end=lambda request: request.reset(code))
    async with serving_h2(app) as at, upstreams() as ways:
        _, heard = await ask(ways, at)
        await wait_until(lambda: heard.over)
        assert type(heard.error) is kind


async def test_goaway_frees_what_was_not_looked_at_and_the_next_dials() -> None:
    app = H2App(on_end=lambda request: None)
    async with serving_h2(app) as at, upstreams() as ways:
        _, first = await ask(ways, at)
        _, second = await ask(ways, at)
        await wait_until(lambda: len(app.requests) == 2)
        (connection,) = app.connections
        app.requests[0].answer(200)
        connection.h2.close_connection(last_stream_id=1)
        connection.flush()
        await wait_until(lambda: first.over and second.over)
        assert (first.status, type(second.error)) == (200, NotProcessed)
        assert ways.take(at) is None
        await ask(ways, at)
        await wait_until(lambda: len(app.requests) == 3)


async def test_a_lost_connection_fails_its_streams() -> None:
    app = H2App(on_end=lambda request: None)
    async with serving_h2(app) as at, upstreams() as ways:
        _, heard = await ask(ways, at)
        await wait_until(lambda: app.requests)
        app.connections[0].transport.abort()
        await wait_until(lambda: heard.over)
        assert type(heard.error) is PeerReset
        assert len(ways) == 0


async def test_bodies_of_a_wrong_length_and_malformed_heads_are_bad_answers() -> None:
    def on_end(request: H2Request) -> None:
        if request.field(b":path") == b"/upper":
            request.app.h2.config.validate_outbound_headers = False
            request.app.h2.config.normalize_outbound_headers = False
            request.head(200, [(b"X-Upper", b"1")])
        else:
            request.head(200, [(b"content-length", b"5")])
            request.data(b"four", ended=True)

    async with serving_h2(H2App(on_end=on_end)) as at, upstreams() as ways:
        for path in (b"/short", b"/upper"):
            _, heard = await ask(ways, at, Head(b"GET", path, b"h", ()))
            await wait_until(lambda heard=heard: heard.over)  # type: ignore[misc]
            assert type(heard.error) is BadResponse


async def test_a_pod_that_speaks_something_else() -> None:
    async with serving(answering(lambda head, body: ok(b"x"))) as at, upstreams() as ways:
        _, heard = await ask(ways, at)
        await wait_until(lambda: heard.over)
        assert type(heard.error) is BadResponse


async def test_nobody_listens() -> None:
    async with serving(answering(lambda head, body: b"")) as at:
        pass
    async with upstreams() as ways:
        with pytest.raises(ConnectFailed):
            await ways.dial(at)


async def test_a_forgotten_pod_gets_nothing_new_and_ends_what_it_has() -> None:
    app = H2App(on_end=lambda request: None)
    async with serving_h2(app) as at, upstreams() as ways:
        _, heard = await ask(ways, at)
        await wait_until(lambda: app.requests)
        ways.forget(at)
        assert ways.take(at) is None
        app.requests[0].answer(200, b"late")
        await wait_until(lambda: heard.over)
        assert heard.body == b"late"
        ways.sweep(1.0)
        await wait_until(lambda: len(ways) == 0)


async def test_closing_a_stream_cancels_it_at_the_pod_only() -> None:
    app = H2App(on_end=lambda request: None)
    async with serving_h2(app) as at, upstreams() as ways:
        stream, heard = await ask(ways, at)
        await wait_until(lambda: app.requests)
        stream.close()
        await wait_until(lambda: app.resets == [8])
        assert not heard.over
        assert len(ways) == 1


async def test_idle_connections_end() -> None:
    app = H2App()
    async with serving_h2(app) as at, upstreams() as ways:
        stream, heard = await ask(ways, at)
        await wait_until(lambda: heard.over)
        stream.keep()
        ways.sweep(100.0)
        ways.sweep(150.0)
        assert len(ways) == 1
        ways.sweep(200.0)
        await wait_until(lambda: len(ways) == 0)
