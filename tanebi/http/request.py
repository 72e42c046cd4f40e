"""One request while it is answered: its head, its body as it comes, and the means to answer.

Made by tanebi.http.server for each head; the application gives it a `BodySink` and writes the answer through it.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from tanebi.http.headers import block, bodiless, status_line
from tanebi.http.messages import Headers

# Reasons why a client is not read; reading goes on when no bit is left (tanebi.http.server has more of them).
HELD_BY_SINK: Final = 2

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class BodySink(Protocol):
    """Who takes a request once its head is known. All calls come from the loop, never from within `Application.begin`."""

    def on_request_body(self, chunk: bytes) -> None: ...

    def on_request_end(self) -> None: ...

    def on_client_left(self) -> None:
        """The client is gone; nothing can be answered."""

    def on_client_slow(self) -> None:
        """The client reads slowly: send no more until `on_client_ready`."""

    def on_client_ready(self) -> None: ...

    def on_sweep(self, now: float) -> None:
        """Look at your deadlines. Called every SWEEP_S while the request is being answered."""


class Application(Protocol):
    def begin(self, request: ServerRequest) -> None:
        """A request's head is here, and it is its turn. Set `request.sink` or answer at once."""


class ClientSide(Protocol):
    """The connection a request came on."""

    transport: asyncio.Transport
    peer: str  # the client's IP address
    slow: bool  # the client does not read: its socket's buffer is full
    forwarded_for: tuple[bytes, bytes] | None  # the application's memory of this client

    @property
    def date_line(self) -> bytes:
        """The Date header of a whole answer, ended."""

    def hold(self, why: int) -> None: ...

    def unhold(self, why: int) -> None: ...

    def finished(self, request: ServerRequest) -> None: ...

    def hand_over(self, end: asyncio.Protocol) -> bytes: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def abort(self) -> None: ...


class ServerRequest:
    """One request while it is answered."""

    __slots__ = (
        "body_length",
        "chunked",
        "complete",
        "connection",
        "done",
        "expects_continue",
        "headers",
        "host",
        "http10",
        "keep_alive",
        "method",
        "pending",
        "raw",
        "seen",
        "sink",
        "target",
    )

    def __init__(
        self,
        connection: ClientSide,
        method: bytes,
        target: bytes,
        host: bytes,
        headers: list[tuple[bytes, bytes]],
        seen: int,
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = target  # in origin form, or `*`
        self.host = host  # as sent, with its port
        self.headers = headers
        self.seen = seen  # bits of tanebi.http.headers: the meanings that occur among the headers
        self.keep_alive = True
        self.http10 = False
        self.chunked = False
        self.body_length = 0  # as announced; meaningless when chunked
        self.expects_continue = False
        self.complete = False  # the whole body is here
        self.done = False  # answered
        self.sink: BodySink | None = None
        self.pending: list[bytes] | None = None  # body that came before its turn
        self.raw: bytes | None = None  # the head as it came: alone, in one piece, and plain

    @property
    def has_body(self) -> bool:
        return self.chunked or self.body_length > 0

    def take_body(self) -> list[bytes]:
        """What came before the sink was there."""
        chunks, self.pending = self.pending or [], None
        return chunks

    def hold_body(self) -> None:
        """Read no more of this client until `want_body`."""
        self.connection.hold(HELD_BY_SINK)

    def want_body(self) -> None:
        self.connection.unhold(HELD_BY_SINK)

    def write(self, data: bytes) -> None:
        """Bytes of the answer, head first. Dropped when the connection was cut and the request has not heard of it yet."""
        transport = self.connection.transport
        if not transport.is_closing():
            transport.write(data)

    def finish(self) -> None:
        """The answer is complete: the next request may begin."""
        self.connection.finished(self)

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        """The client's socket tells `end` from now on, who passes `connection_lost` on to `connection`. The request stays the
        one being answered: it is swept, counted and drained. Returns what the client sent ahead."""
        return self.connection.hand_over(end)

    def abort(self) -> None:
        """Cut the connection: half an answer is out and there will be no more."""
        self.done = True
        self.connection.abort()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer. A request that is not complete yet will not be: the connection is closed in good order."""
        if not self.complete:
            self.keep_alive = False
        parts = [status_line(status), self.connection.date_line, block(headers)]
        if not bodiless(status):
            parts.append(b"Content-Length: %d\r\n" % len(body))
        parts += (self.connection_header(), b"\r\n")
        if not bodiless(status) and self.method != b"HEAD":
            parts.append(body)
        self.write(b"".join(parts))
        self.finish()

    def respond_text(self, status: int, text: str) -> None:
        """A plain sentence, ended by a line break as Go's http.Error does."""
        self.respond(
            status,
            (
                (b"Content-Type", b"text/plain; charset=utf-8"),
                (b"X-Content-Type-Options", b"nosniff"),
            ),
            text.encode() + b"\n",
        )

    def connection_header(self) -> bytes:
        """The Connection line that the answer needs, or nothing."""
        if not self.keep_alive:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self.http10 else b""
