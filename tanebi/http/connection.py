"""A client's connection: requests in, answers out, one at a time and in order.

`ServerConnection` reads by tanebi.http.reading, hands each head to the `Application` as a `ServerRequest`, and streams its
body to the request's `sink`. The application writes the answer as bytes. Pipelined requests wait, and the socket is not read
while any does. Whoever is too slow is found by `sweep`, which tanebi.http.server calls. Not here: routing, proxying,
whole-message handlers (activator.gateway).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import httptools

from tanebi.http.bodyparser import parser_of_body
from tanebi.http.h2.frames import PREFACE
from tanebi.http.h2.server import H2ServerConnection
from tanebi.http.headers import UPGRADING
from tanebi.http.reading import BadRequest, RequestReader, ServerLimits
from tanebi.http.repeats import KnownRequest
from tanebi.http.request import HELD_BY_SINK, ServerRequest
from tanebi.http.sides import Application, came_from, reached_at

LINGER_S: Final = (
    2.0  # how long a refused upload is read and thrown away, so that the client can read why
)
AHEAD_MAX: Final = 65536  # bytes taken in behind a request whose Upgrade is not decided yet

# Why reading is held. Reading goes on when no bit is left.
_HELD_BY_PIPELINE: Final = 1
_HELD_BY_SLOWNESS: Final = (
    4  # the client does not read its answers: no further requests of it either
)
_HELD_BY_UPGRADE: Final = 8


class Listener(Protocol):
    """What a connection needs of who accepted it."""

    application: Application
    limits: ServerLimits
    connections: set[Any]  # of every version
    date_line: bytes

    def now(self) -> float: ...

    def call_soon(self, callback: Any, *args: Any) -> None: ...

    def refused(self, peer: str, text: str) -> None:
        """A client was told that its bytes are not acceptable."""


class ServerConnection(RequestReader, asyncio.Protocol):
    """One client. Implements tanebi.http.sides.ClientConnection."""

    __slots__ = (
        "_ahead",
        "_app",
        "_eof_at",
        "_held",
        "_lingering",
        "_refused",
        "_server",
        "_taker",
        "_waiting",
        "forwarded_for",
        "parting",
        "peer",
        "scheme",
        "slow",
        "transport",
    )

    def __init__(self, server: Listener) -> None:
        super().__init__(server.limits)
        self._server = server
        self._app = server.application
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.peer = ""
        self.scheme = b"http"
        self.forwarded_for: tuple[bytes, bytes] | None = (
            None  # the application's memory of this client
        )
        self._waiting: deque[ServerRequest] = (
            deque()
        )  # pipelined; bounded by one read of the socket
        self._held = 0
        self._eof_at: float | None = None  # when the client ended its side
        self._lingering = False
        self._taker: Callable[[bytes], None] | None = self._first  # of what comes; None: the parser
        self._refused: tuple[ServerRequest, int, str] | None = None  # the last answer, and why
        self._ahead = b""  # what follows a request whose Upgrade is not decided yet
        self.parting = False  # the next answer is the last
        self.slow = False  # the client does not read: its socket's buffer is full

    @property
    def reached_at(self) -> str:
        return reached_at(self.transport)

    @property
    def came_from(self) -> str:
        return came_from(self.transport)

    @property
    def date_line(self) -> bytes:
        return self._server.date_line

    @property
    def busy(self) -> bool:
        return self._active is not None

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        secure = transport.get_extra_info("ssl_object")
        self._server.connections.add(self)
        if secure is not None:
            self.scheme = b"https"
            if secure.selected_alpn_protocol() == "h2":
                self._change(b"")

    def _first(self, data: bytes) -> None:
        """The first bytes say which version it is (RFC 9113 §3.3)."""
        data = self._ahead + data
        if PREFACE.startswith(data[: len(PREFACE)]):
            self._ahead, self._head_open = data, True
            if len(data) >= len(PREFACE):
                self._change(data)
            return
        self._ahead, self._head_open, self._taker = b"", False, None
        self.data_received(data)

    def _change(self, data: bytes) -> None:
        """It is HTTP/2: somebody else takes over."""
        self._server.connections.discard(self)
        other = H2ServerConnection(self._server, self.transport, scheme=self.scheme)
        self.transport.set_protocol(other)
        if data:
            other.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._linger()
        self._waiting.clear()
        self._refused = None
        request, self._active = self._active, None
        if request is not None and request.sink is not None and not request.done:
            request.done = True
            request.sink.on_client_left()

    def eof_received(self) -> bool:
        """The client sends no more. What it has sent whole is answered all the same, and the last answer ends the connection.

        A client that is gone looks the same until something is written to it, so it is taken for gone when nothing has been for
        `half_closed_s` (see `sweep`). True: our side stays open.
        """
        active, last = self._active, self._waiting[-1] if self._waiting else self._active
        if active is None or self._lingering or self.scheme == b"https":
            return False
        self._eof_at = self._server.now()
        if self._reading is not None or self._head_open:
            cut = self._reading
            if cut is active:
                return False  # half a request: connection_lost tells
            if cut is not None:
                self._waiting.pop()
                last = self._waiting[-1] if self._waiting else active
        assert last is not None
        last.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        known = self._known
        if known is not None and self._active is None:
            start = known.again(data)
            if start is not None:
                self._begin_again(known, start, data)
                return
            self._misses += 1
        self._known = None
        if self._taker is not None:
            self._taker(data)
            return
        self._data = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(error)
        if self._head_open:
            self._head_bytes += len(data) if self._head_bytes else self._parsed_bytes() + 1
            if self._head_bytes > self._limits.head_max:
                self._refuse(BadRequest(431, "the request's head is too large"))

    def _begin_again(self, known: KnownRequest, start: re.Match[bytes], data: bytes) -> None:
        self._misses = 0
        self.since = 0.0
        request = ServerRequest(self, start[1], start[2], known.host, known.headers, known.seen)
        request.raw = data
        request.complete = True
        self._active = request
        self._app.begin(request)

    def pause_writing(self) -> None:
        self.slow = True
        if self._active is not None and self._active.sink is not None:
            self._active.sink.on_client_slow()

    def resume_writing(self) -> None:
        self.slow = False
        self.unhold(_HELD_BY_SLOWNESS)
        if self._active is not None and self._active.sink is not None:
            self._active.sink.on_client_ready()

    # --- order ---------------------------------------------------------------------------------

    def _new_request(self, method: bytes) -> ServerRequest:
        return ServerRequest(self, method, self._url, self._host, self._headers, self._seen)

    def _arrived(self, request: ServerRequest) -> None:
        if self._active is None:
            self._active = request
            self._app.begin(request)
        else:
            self._waiting.append(request)
            self.hold(_HELD_BY_PIPELINE)

    def finished(self, request: ServerRequest) -> None:
        """The answer to `request` is written."""
        request.done = True
        request.sink = None  # no cycle is left to the garbage collector
        if request is not self._active:
            return
        self._active = None
        self.since = 0.0
        if self.slow:
            self.hold(_HELD_BY_SLOWNESS)
        if not request.keep_alive or not request.complete:
            self._close_in_good_order(request)
        elif self._waiting:
            self._next()
        elif self._eof_at is not None and self._taker is None:
            self.transport.close()
        elif self._held:
            self.unhold(HELD_BY_SINK | _HELD_BY_PIPELINE)
        if request is self._upgrading:
            self._upgrading = None
            self._server.call_soon(self._go_on)

    def _next(self) -> None:
        request = self._waiting.popleft()
        self.unhold(HELD_BY_SINK if self._waiting else HELD_BY_SINK | _HELD_BY_PIPELINE)
        self._active = request
        # Not from within the last answer's call: thousands of pipelined requests must not become a deep stack.
        self._server.call_soon(self._begin, request)

    def _begin(self, request: ServerRequest) -> None:
        if self._refused is not None and request is self._refused[0]:
            request.respond_text(*self._refused[1:])
        elif request is self._active:
            self._app.begin(request)

    def hold(self, why: int) -> None:
        if not self._held and not self.transport.is_closing():
            self.transport.pause_reading()
        self._held |= why

    def unhold(self, why: int) -> None:
        before, self._held = self._held, self._held & ~why
        if before and not self._held and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- ends ----------------------------------------------------------------------------------

    def abort(self) -> None:
        self._active = None
        self._linger()
        self.transport.abort()

    def _linger(self) -> None:
        """What still comes is thrown away."""
        self._lingering = True
        self._known = None
        self._taker = _drop

    def _close_in_good_order(self, request: ServerRequest) -> None:
        """A close while the client still sends would destroy what it has not read yet: end our side, then read on for a
        while.
        """
        self._linger()
        self._waiting.clear()
        if request.complete or self.transport.is_closing():
            self.transport.close()
            return
        self._held = 0
        if self.transport.can_write_eof():  # TLS knows no half of a close
            self.transport.write_eof()
        self.transport.resume_reading()
        self.since = self._server.now()

    def _refuse(self, error: Exception) -> None:
        """The bytes are not acceptable HTTP: nothing of the client is read any more. Requests that came whole before them are
        answered first; then the client is told, and the connection ends."""
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
        if cause is not None and not isinstance(cause, (BadRequest, httptools.HttpParserError)):
            raise cause
        self._head_open = False
        self._known = None
        self._taker = _drop
        broken, self._reading = self._reading, None
        if broken is not None and broken is self._active:
            self.connection_lost(None)
            self.transport.abort()
            return
        if broken is not None:
            self._waiting.pop()  # its body will never be whole
        last = self._waiting[-1] if self._waiting else self._active
        if last is not None and not last.keep_alive and broken is None:
            return  # what follows the last request is nobody's business
        status, text = 400, "malformed request"
        if isinstance(cause, BadRequest):
            status, text = cause.status, cause.text
        self._server.refused(self.peer, text)
        refused = ServerRequest(self, b"", b"", b"", [], 0)
        refused.keep_alive = False
        self._refused = refused, status, text
        if last is None:
            self._active = refused
            self._begin(refused)
        else:
            self._waiting.append(refused)

    # --- upgrades ------------------------------------------------------------------------------

    def _after_upgrade(self, rest: bytes) -> None:
        """The parser stops behind a head with Upgrade. One that can be granted decides later what `rest` is; any other is
        ignored (RFC 9110 §7.8): `rest` is the body, of which the parser does not know, or the next request.
        """
        request = self._upgrading
        if self._lingering:
            return
        if request is not None and request.seen & UPGRADING:
            self._taker, self._ahead = self._keep_ahead, rest
            return
        self._upgrading = None
        if request is not None and request.has_body:
            self._reading = request
            self._parser = parser_of_body(self, chunked=request.chunked, length=request.body_length)
        if rest:
            # Not from within: a read full of such requests must not become a deep stack.
            self._taker, self._ahead = self._keep_ahead, rest
            self._server.call_soon(self._go_on)

    def _keep_ahead(self, data: bytes) -> None:
        self._ahead += data
        if len(self._ahead) > AHEAD_MAX:
            self.hold(_HELD_BY_UPGRADE)

    def _go_on(self) -> None:
        """What was kept is HTTP after all."""
        if self._lingering or self._taker is None or self._upgrading is not None:
            return
        self._taker = None
        data, self._ahead = self._ahead, b""
        self.unhold(_HELD_BY_UPGRADE)
        if data:
            self.data_received(data)

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        """See ServerRequest.hand_over."""
        data, self._ahead = self._ahead, b""
        self.transport.set_protocol(end)
        self.unhold(~HELD_BY_SINK)
        if self._eof_at is not None:
            self._server.call_soon(end.eof_received)
        return data

    def sweep(self, now: float) -> None:
        """Look for slowness. `since` is set on the first look after a silence began, so it is late by at most SWEEP_S."""
        active = self._active
        if active is not None:
            if active.sink is not None:
                active.sink.on_sweep(now)
            if self._eof_at is not None and not self.slow:
                self._sweep_half_closed(active, now)
            return
        if self.since == 0.0:
            self.since = now
            return
        silence = now - self.since
        if self._lingering:
            limit = LINGER_S
        elif self._head_open:
            limit = self._limits.head_timeout_s
        else:
            limit = self._limits.idle_timeout_s
        if silence >= limit:
            self.abort()

    def _sweep_half_closed(self, active: ServerRequest, now: float) -> None:
        if active.moved or self._eof_at is None:
            active.moved, self._eof_at = False, now
        elif now - self._eof_at >= self._limits.half_closed_s:
            self.connection_lost(None)
            self.transport.abort()


def _drop(data: bytes) -> None:
    """The taker of a connection that lingers."""
