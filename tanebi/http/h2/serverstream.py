"""One request of HTTP/2 while it is answered.

`ServerStream` stands between a stream (tanebi.http.h2.stream) and the application: it implements tanebi.http.sides.ClientStream
for the one and StreamOwner for the other. The head of the answer and its last piece wait for what follows, so that an END_STREAM
needs no frame of its own. Made by tanebi.http.h2.server for each stream.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tanebi.base.errors import Bug
from tanebi.http.grpc import is_grpc, status_trailers, trailers_only
from tanebi.http.h2.connection import Connection
from tanebi.http.h2.fields import Block, Field
from tanebi.http.h2.frames import Code
from tanebi.http.h2.heads import answer_fields, lowered, request_head, trailers
from tanebi.http.h2.stream import Stream
from tanebi.http.headers import (
    CONTENT_LENGTH,
    EXPECT,
    KNATIVE_PROBE,
    KUBE_PROBE,
    USER_AGENT,
    bodiless,
)
from tanebi.http.heads import answer_headers, kept_trailers
from tanebi.http.messages import Headers, header
from tanebi.http.reading import KNATIVE_PROBERS
from tanebi.http.sides import Application, BodySink


class Client(Protocol):
    """The connection of a stream: a tanebi.http.sides.ClientConnection and what its streams need of it."""

    h2: Connection
    application: Application
    peer: str
    scheme: bytes
    headers_max: int
    forwarded_for: tuple[bytes, bytes] | None

    @property
    def date_line(self) -> bytes: ...

    @property
    def reached_at(self) -> str: ...

    @property
    def came_from(self) -> str: ...

    def failed(self, stream: ServerStream) -> None:
        """The application raised: a bug, which is told and ends this request only."""


class ServerStream:
    """Implements tanebi.http.sides.ClientStream and tanebi.http.h2.stream.StreamOwner."""

    __slots__ = (
        "_body_out",
        "_free_length",
        "_head_out",
        "_stream",
        "body_length",
        "chunked",
        "complete",
        "connection",
        "done",
        "expects_continue",
        "headers",
        "host",
        "method",
        "pending",
        "raw",
        "seen",
        "sink",
        "stalled_at",
        "target",
        "trailers",
    )

    def __init__(self, connection: Client, stream: Stream) -> None:
        self.connection = connection
        self._stream = stream
        self.method = self.target = self.host = b""
        self.headers: list[Field] = []
        self.seen = 0
        self.chunked = False
        self.body_length = 0
        self.expects_continue = False
        self.complete = False
        self.done = False
        self.trailers: Headers = ()
        self.sink: BodySink | None = None
        self.pending: list[bytes] = []
        self.raw: bytes | None = None
        self.stalled_at = 0.0  # since when its bytes have waited for the client; 0: they do not
        self._head_out: list[Field] | None = None
        self._body_out = b""
        self._free_length = False  # the answer has no Content-Length

    @property
    def proto(self) -> str:
        return "HTTP/2.0"

    # --- from the stream -----------------------------------------------------------------------

    def on_fields(self, block: Block, *, ended: bool) -> None:
        if self.method:
            self.trailers = trailers(block)
            self._complete()
            return
        head = request_head(block)
        self.method, self.target, self.host = head.method, head.target, head.host
        self.headers, self.seen = head.headers, head.seen
        self.expects_continue = bool(head.seen & EXPECT)
        self.complete = ended
        if not ended:
            self.chunked = head.length < 0
            self.body_length = max(0, head.length)
        if head.length >= 0:
            self.connection.h2.expect(self._stream, head.length)
        if head.seen & USER_AGENT:
            self._read_user_agent()
        self._begin(block)

    def _read_user_agent(self) -> None:
        value = header(self.headers, b"user-agent") or b""
        if value[:11] == b"kube-probe/":
            self.seen |= KUBE_PROBE
        elif value in KNATIVE_PROBERS:
            self.seen |= KNATIVE_PROBE

    def _begin(self, block: Block) -> None:
        client = self.connection
        if block.size > client.h2.limits.head_max or len(self.headers) > client.headers_max:
            self.respond_text(431, "the request's head is too large")
        elif not self.host:
            self.respond_text(400, "neither :authority nor Host")
        else:
            try:
                client.application.begin(self)
            except Exception:
                client.failed(self)

    def on_data(self, data: bytes, *, ended: bool) -> None:
        if self.done:
            return
        if self.sink is None:
            self.pending.append(data)
        elif data:
            try:
                self.sink.on_request_body(data)
            except Exception:
                self.connection.failed(self)
        if ended:
            self._complete()

    def _complete(self) -> None:
        self.complete = True
        if self.sink is not None and not self.done:
            try:
                self.sink.on_request_end()
            except Exception:
                self.connection.failed(self)

    def on_reset(self, code: int) -> None:
        if not self.done:
            self.done = True
            sink, self.sink = self.sink, None
            if sink is not None:
                sink.on_client_left()

    def on_full(self) -> None:
        if self.sink is not None:
            self.sink.on_client_slow()

    def on_room(self) -> None:
        if self.sink is not None:
            self.sink.on_client_ready()

    # --- the request ---------------------------------------------------------------------------

    @property
    def slow(self) -> bool:
        return self._stream.full

    @property
    def transport(self) -> asyncio.Transport:
        raise Bug("h2-misuse", "a request of HTTP/2 asks for no Upgrade")

    def take_body(self) -> list[bytes]:
        chunks, self.pending = self.pending, []
        return chunks

    def hold_body(self) -> None:
        self.connection.h2.hold(self._stream)

    def want_body(self) -> None:
        self.connection.h2.unhold(self._stream)

    # --- the answer ----------------------------------------------------------------------------

    def send_interim(self, status: int, headers: Headers) -> None:
        self.connection.h2.send_fields(
            self._stream, answer_fields(status, answer_headers(status, headers, -1))
        )

    def send_head(self, status: int, headers: Headers, seen: int, raw: bytes | None) -> None:
        self._head_out = answer_fields(status, answer_headers(status, headers, seen))
        self._free_length = not seen & CONTENT_LENGTH

    def send_body(self, piece: bytes) -> None:
        if self._head_out is not None or self._body_out:
            self.flush()
        self._body_out = piece

    def flush(self) -> None:
        h2, head, piece = self.connection.h2, self._head_out, self._body_out
        if head is not None:
            self._head_out = None
            h2.send_fields(self._stream, head)
        if piece:
            self._body_out = b""
            h2.send_data(self._stream, piece)

    def send_end(self, trailers: Headers) -> None:
        h2, stream, head, piece = self.connection.h2, self._stream, self._head_out, self._body_out
        self._head_out, self._body_out = None, b""
        if head is not None:
            alone = not piece and not trailers
            h2.send_fields(stream, head, ended=alone)
            if alone:
                return
        h2.send_last(stream, piece, lowered(kept_trailers(trailers)) if trailers else ())

    def time_out(self, text: bytes) -> None:
        """A gRPC client reads a status, as it would from the app."""
        if is_grpc(self.headers):
            self.send_end(status_trailers(504, text.decode()))
        elif self._free_length:
            self.send_body(text)
            self.send_end(())
        else:
            self.abort()
            return
        self.finish()

    def finish(self) -> None:
        self.done = True
        self.sink = None
        if not self.complete:
            self.connection.h2.end_early(self._stream)

    def abort(self) -> None:
        self.done = True
        self.sink = None
        self.connection.h2.reset(self._stream, Code.INTERNAL_ERROR)

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        fields = answer_fields(status, answer_headers(status, headers, -1))
        fields.append((b"date", self.connection.date_line[6:-2]))
        if bodiless(status):
            body = b""
        else:
            fields.append((b"content-length", b"%d" % len(body)))
        self._whole(fields, b"" if self.method == b"HEAD" else body)

    def respond_text(self, status: int, text: str, headers: Headers = ()) -> None:
        if is_grpc(self.headers):
            self._whole(answer_fields(200, [*trailers_only(status, text), *headers]), b"")
            return
        self.respond(
            status,
            (
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"x-content-type-options", b"nosniff"),
                *headers,
            ),
            text.encode() + b"\n",
        )

    def _whole(self, fields: list[Field], body: bytes) -> None:
        h2 = self.connection.h2
        h2.send_fields(self._stream, fields, ended=not body)
        if body:
            h2.send_last(self._stream, body)
        self.finish()

    # --- an Upgrade: there is none in HTTP/2 ---------------------------------------------------

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        raise Bug("h2-misuse", "a request of HTTP/2 asks for no Upgrade")

    def send_switch(self, headers: Headers, rest: bytes) -> None:
        raise Bug("h2-misuse", "a request of HTTP/2 asks for no Upgrade")

    def tunnel_over(self, exc: Exception | None) -> None:
        """No tunnel was begun."""

    # --- deadlines -----------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Look for slowness; called by the connection's sweep."""
        if self.sink is not None:
            self.sink.on_sweep(now)
        stream = self._stream
        if not stream.pending or stream.moved:
            stream.moved = False
            self.stalled_at = now if stream.pending else 0.0
        elif self.stalled_at == 0.0:
            self.stalled_at = now
        elif now - self.stalled_at >= self.connection.h2.limits.stall_s:
            self.connection.h2.reset(stream, Code.CANCEL)
            self.on_reset(Code.CANCEL)
