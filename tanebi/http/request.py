"""One request of HTTP/1.1 while it is answered: its head, its body as it comes, and the means to answer.

Made by tanebi.http.server for each head; the application gives it a `BodySink` and writes the answer through it.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from tanebi.http.headers import CONTENT_LENGTH, block, bodiless, status_line
from tanebi.http.heads import (
    answer_head,
    chunk,
    interim_head,
    last_chunk,
    passes_unchanged,
    switching_head,
)
from tanebi.http.messages import Headers
from tanebi.http.sides import BodySink

# Reasons why a client is not read; reading goes on when no bit is left (tanebi.http.server has more of them).
HELD_BY_SINK: Final = 2


class Connection(Protocol):
    """The connection of HTTP/1.1 that a request came on. A ClientConnection."""

    transport: asyncio.Transport
    peer: str  # the client's IP address
    scheme: bytes
    slow: bool  # the client does not read: its socket's buffer is full
    parting: bool  # the next answer is the last: the server ends
    forwarded_for: tuple[bytes, bytes] | None  # the application's memory of this client

    @property
    def date_line(self) -> bytes:
        """The Date header of a whole answer, ended."""

    @property
    def reached_at(self) -> str: ...

    @property
    def came_from(self) -> str: ...

    def hold(self, why: int) -> None: ...

    def unhold(self, why: int) -> None: ...

    def finished(self, request: ServerRequest) -> None: ...

    def hand_over(self, end: asyncio.Protocol) -> bytes: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def abort(self) -> None: ...


class ServerRequest:
    """One request of HTTP/1.1 while it is answered. Implements tanebi.http.sides.ClientStream."""

    __slots__ = (
        "_chunked_out",
        "_head_out",
        "_until_close",
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
        "moved",
        "pending",
        "raw",
        "seen",
        "sink",
        "target",
        "trailers",
    )

    def __init__(
        self,
        connection: Connection,
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
        self.trailers: Headers = ()
        self.raw: bytes | None = None  # the head as it came: alone, in one piece, and plain
        self.moved = False  # some of the answer went out since the connection last looked
        self._head_out = b""  # head of the answer, held back for the first bytes of the body
        self._chunked_out = False
        self._until_close = False  # the end of the connection ends the answer

    @property
    def slow(self) -> bool:
        return self.connection.slow

    @property
    def transport(self) -> asyncio.Transport:
        return self.connection.transport

    @property
    def proto(self) -> str:
        return "HTTP/1.0" if self.http10 else "HTTP/1.1"

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

    # --- the answer, piece by piece ------------------------------------------------------------

    def send_interim(self, status: int, headers: Headers) -> None:
        if not self.http10:
            self.write(interim_head(status, headers))

    def send_head(self, status: int, headers: Headers, seen: int, raw: bytes | None) -> None:
        chunked = False
        if not seen & CONTENT_LENGTH and self.method != b"HEAD" and not bodiless(status):
            if self.http10:
                self.keep_alive = False
                self._until_close = True
            else:
                self._chunked_out = chunked = True
        if not self.complete or self.connection.parting:
            self.keep_alive = False
        own = b"" if self.keep_alive and not self.http10 else self.connection_header()
        if raw is None or own or chunked or not passes_unchanged(status, seen):
            raw = answer_head(status, headers, seen, chunked=chunked, own=own)
        self._head_out = raw

    def send_body(self, piece: bytes) -> None:
        if self._chunked_out:
            piece = chunk(piece)
        self.moved = True
        head = self._head_out
        if head:
            self._head_out = b""
            piece = head + piece
        self.connection.transport.write(piece)

    def flush(self) -> None:
        head = self._head_out
        if head:
            self._head_out = b""
            self.moved = True
            self.write(head)

    def send_end(self, trailers: Headers) -> None:
        if self._head_out:
            self.flush()
        if self._chunked_out:
            self.write(last_chunk(trailers))

    def time_out(self, text: bytes) -> None:
        if self._chunked_out:
            self.send_body(text)
            self.send_end(())
        elif self._until_close:
            self.send_body(text)
        else:
            self.abort()
            return
        self.keep_alive = False
        self.finish()

    def finish(self) -> None:
        self.connection.finished(self)

    # --- an Upgrade ----------------------------------------------------------------------------

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        """The end passes `tunnel_over` on. The request is swept, counted and drained like any other."""
        self.keep_alive = False
        return self.connection.hand_over(end)

    def send_switch(self, headers: Headers, rest: bytes) -> None:
        self.connection.transport.write(switching_head(headers) + rest)

    def tunnel_over(self, exc: Exception | None) -> None:
        self.connection.connection_lost(exc)

    # --- ends ----------------------------------------------------------------------------------

    def abort(self) -> None:
        """Cut the connection: half an answer is out and there will be no more."""
        self.done = True
        self.connection.abort()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer. A request that is not complete yet will not be: the connection is closed in good order."""
        if not self.complete or self.connection.parting:
            self.keep_alive = False
        parts = [status_line(status), self.connection.date_line, block(headers)]
        if not bodiless(status):
            parts.append(b"Content-Length: %d\r\n" % len(body))
        parts += (self.connection_header(), b"\r\n")
        if not bodiless(status) and self.method != b"HEAD":
            parts.append(body)
        self.write(b"".join(parts))
        self.finish()

    def respond_text(self, status: int, text: str, headers: Headers = ()) -> None:
        """A plain sentence, ended by a line break as Go's http.Error does."""
        self.respond(
            status,
            (
                (b"Content-Type", b"text/plain; charset=utf-8"),
                (b"X-Content-Type-Options", b"nosniff"),
                *headers,
            ),
            text.encode() + b"\n",
        )

    def connection_header(self) -> bytes:
        """The Connection line that the answer needs, or nothing."""
        if not self.keep_alive:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self.http10 else b""
