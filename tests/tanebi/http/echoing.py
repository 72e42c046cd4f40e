"""A server that echoes, and a transport that swallows: what tests of the server's parts stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from tanebi.base.clock import SystemClock
from tanebi.http.server import HttpServer, ServerLimits
from tanebi.http.sides import ClientStream
from tanebi.testing.http import Client, connect


class Echo:
    """Answers each request with its method, target and body, once it is complete. Implements Application."""

    def __init__(self) -> None:
        self.begun: list[ClientStream] = []
        self.left = 0
        self.hold = False

    def begin(self, request: ClientStream) -> None:
        self.begun.append(request)
        sink = EchoSink(self, request)
        request.sink = sink
        for chunk in request.take_body():
            sink.on_request_body(chunk)
        if request.complete:
            sink.on_request_end()


class EchoSink:
    def __init__(self, app: Echo, request: ClientStream) -> None:
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


class Recorder:
    """A transport that swallows."""

    def __init__(self) -> None:
        self.out = b""
        self.closed = False
        self.ended = False  # our side is, or all of it

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("127.0.0.1", 1) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.out += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = self.ended = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
