"""Our side of a client's connection: requests in, answers out, one at a time and in order.

`ServerConnection` reads HTTP/1.1 (httptools, strictly: what two parsers could read differently is refused), hands each head to
the `Application` as a `ServerRequest`, and streams its body to the request's `sink`. The application writes the answer as
bytes. Pipelined requests wait, and the socket is not read while any does. `HttpServer` listens and, every SWEEP_S, looks for
whoever is too slow: one sweep over the connections instead of a timer for each phase of each request.
Not here: routing, proxying, whole-message handlers (activator.gateway).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Final, cast

import anyio
import httptools
from anyio.abc import TaskStatus

from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.http.bodyparser import parser_of_body
from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    KUBE_PROBE,
    MEANING,
    TRANSFER_ENCODING,
    UPGRADE,
    UPGRADING,
    USER_AGENT,
    asks_upgrade,
    split_target,
    tokens,
)
from tanebi.http.request import HELD_BY_SINK, Application, ServerRequest

HEAD_MAX: Final = 65536  # bytes of a request's head
HEADERS_MAX: Final = 200
HEAD_TIMEOUT_S: Final = 10.0  # from the first byte of a head to its last
IDLE_TIMEOUT_S: Final = 120.0  # between requests
LINGER_S: Final = (
    2.0  # how long a refused upload is read and thrown away, so that the client can read why
)
AHEAD_MAX: Final = 65536  # bytes taken in behind a request whose Upgrade is not decided yet
SWEEP_S: Final = 0.1
BACKLOG: Final = 2048
DRAIN_S: Final = 10.0

# Why reading is held. Reading goes on when no bit is left.
_HELD_BY_PIPELINE: Final = 1
_HELD_BY_SLOWNESS: Final = (
    4  # the client does not read its answers: no further requests of it either
)
_HELD_BY_UPGRADE: Final = 8

_ONCE: Final = HOST | CONTENT_LENGTH | TRANSFER_ENCODING
_RARE: Final = CONTENT_LENGTH | TRANSFER_ENCODING | CONNECTION | EXPECT

_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a client may do. Bytes and seconds."""

    head_max: int = HEAD_MAX
    headers_max: int = HEADERS_MAX
    head_timeout_s: float = HEAD_TIMEOUT_S
    idle_timeout_s: float = IDLE_TIMEOUT_S
    drain_s: float = DRAIN_S


class BadRequest(Exception):
    """The head breaks a rule; raised inside the parser's callbacks."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class ServerConnection(asyncio.Protocol):
    """One client. The attribute names that start with `on_` are httptools' callbacks."""

    __slots__ = (
        "_active",
        "_ahead",
        "_app",
        "_data",
        "_headers",
        "_held",
        "_head_bytes",
        "_head_open",
        "_host",
        "_limits",
        "_lingering",
        "_parser",
        "_reading",
        "_seen",
        "_server",
        "_taker",
        "_upgrading",
        "_url",
        "_waiting",
        "peer",
        "since",
        "forwarded_for",
        "slow",
        "transport",
    )

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._app = server.application
        self._limits = server.limits
        self._parser = httptools.HttpRequestParser(self)
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.peer = ""
        self.forwarded_for: tuple[bytes, bytes] | None = (
            None  # the application's memory of this client
        )
        self.since = 0.0  # when the present silence began; 0: not measured yet
        self._active: ServerRequest | None = None  # being answered
        self._reading: ServerRequest | None = None  # whose body is coming in
        self._waiting: deque[ServerRequest] = (
            deque()
        )  # pipelined; bounded by one read of the socket
        self._held = 0
        self._lingering = False
        self._taker: Callable[[bytes], None] | None = None  # of what comes; None: the parser
        self._upgrading: ServerRequest | None = None  # what follows it is not HTTP if it is granted
        self._ahead = b""  # what follows it
        self.slow = False  # the client does not read: its socket's buffer is full
        self._data = b""  # the read that is being parsed
        self._url = b""
        self._host = b""
        self._seen = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_open = False
        self._head_bytes = 0  # of a head that came in several reads

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
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._linger()
        self._waiting.clear()
        request, self._active = self._active, None
        if request is not None and request.sink is not None and not request.done:
            request.done = True
            request.sink.on_client_left()

    def data_received(self, data: bytes) -> None:
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
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_max:
                self._refuse(BadRequest(431, "the request's head is too large"))

    def pause_writing(self) -> None:
        self.slow = True
        if self._active is not None and self._active.sink is not None:
            self._active.sink.on_client_slow()

    def resume_writing(self) -> None:
        self.slow = False
        self.unhold(_HELD_BY_SLOWNESS)
        if self._active is not None and self._active.sink is not None:
            self._active.sink.on_client_ready()

    # --- httptools -----------------------------------------------------------------------------

    def on_url(self, piece: bytes) -> None:
        if self._head_open:
            self._url += piece
            return
        self._head_open = True
        self.since = 0.0
        self._url = piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_open:
            return  # a trailer: dropped, for nobody announced an interest (RFC 9110 §6.5.1)
        meaning = MEANING[name]
        if meaning:
            if meaning & self._seen & _ONCE:
                raise BadRequest(400, f"more than one {name.decode('latin-1')} header")
            self._seen |= meaning
            if meaning & HOST:
                self._host = value
            elif meaning & USER_AGENT and value[:11] == b"kube-probe/":
                self._seen |= KUBE_PROBE
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._head_open = False
        headers, seen, data = self._headers, self._seen, self._data
        if self._head_bytes or len(data) > self._limits.head_max:
            self._check_size()
        if len(headers) > self._limits.headers_max:
            raise BadRequest(431, f"more than {self._limits.headers_max} headers")
        parser = self._parser
        request = ServerRequest(self, parser.get_method(), self._url, self._host, headers, seen)
        if seen & _RARE or not parser.should_keep_alive():
            self._read_rare(request)
        else:
            if not self._host:
                self._need_host(request)
            if data.find(_END) + 4 == len(data) and data.startswith(request.method):
                request.raw = data
        if request.target[:1] != b"/":
            self._read_target(request)
        self._url = self._host = b""
        self._seen = self._head_bytes = 0
        self._headers = []
        if request.chunked or request.body_length:
            if not (seen & UPGRADE and parser.should_upgrade()):
                self._reading = request  # else see _after_upgrade
        else:
            request.complete = True
        if self._active is None:
            self._active = request
            self._app.begin(request)
        else:
            self._waiting.append(request)
            self.hold(_HELD_BY_PIPELINE)

    def on_body(self, chunk: bytes) -> None:
        request = self._reading
        if request is None or request.done:
            return
        if request.sink is not None and request is self._active:
            request.sink.on_request_body(chunk)
        elif request.pending is None:
            request.pending = [chunk]
        else:
            request.pending.append(chunk)

    def on_message_complete(self) -> None:
        request, self._reading = self._reading, None
        if request is None:
            return
        request.complete = True
        if request.sink is not None and request is self._active and not request.done:
            request.sink.on_request_end()

    # --- heads ---------------------------------------------------------------------------------

    def _check_size(self) -> None:
        """A head that came in one small read needs no measuring."""
        size = len(self._url)
        for name, value in self._headers:
            size += len(name) + len(value)
        if size > self._limits.head_max:
            raise BadRequest(431, f"the request's head exceeds {self._limits.head_max} bytes")

    def _read_rare(self, request: ServerRequest) -> None:
        """Framing, persistence, expectations: what a plain GET does not have."""
        request.keep_alive = self._parser.should_keep_alive()
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise BadRequest(505, "the versions understood are HTTP/1.0 and HTTP/1.1")
        request.http10 = version == "1.0"
        self._read_framing(request)
        if request.chunked and (request.http10 or self._seen & CONTENT_LENGTH):
            raise BadRequest(400, "the length of the body is ambiguous")
        if self._parser.should_upgrade():
            self._upgrading = request
            if not request.http10 and not request.has_body and asks_upgrade(request.headers):
                request.seen |= UPGRADING
        self._need_host(request)

    def _read_framing(self, request: ServerRequest) -> None:
        for name, value in request.headers:
            meaning = MEANING[name]
            if meaning & CONTENT_LENGTH:
                request.body_length = int(value)  # the parser has seen that these are digits
            elif meaning & TRANSFER_ENCODING:
                if tokens(value) != [b"chunked"]:
                    raise BadRequest(501, "the only transfer coding understood is chunked")
                request.chunked = True
            elif meaning & EXPECT:
                if value.strip().lower() != b"100-continue":
                    raise BadRequest(417, "the only expectation understood is 100-continue")
                request.expects_continue = not request.http10

    def _need_host(self, request: ServerRequest) -> None:
        if not self._host and not self._seen & HOST and self._parser.get_http_version() != "1.0":
            raise BadRequest(400, "missing Host header")

    def _read_target(self, request: ServerRequest) -> None:
        if request.method == b"CONNECT":
            raise BadRequest(405, "this is not a forward proxy")
        request.raw = None
        authority, request.target = split_target(request.target)
        if authority is not None:
            request.host = authority
        elif request.target != b"*":
            raise BadRequest(400, "the request target is neither a path nor an http URL")

    # --- order ---------------------------------------------------------------------------------

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
        if request is self._active:
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
        self.transport.write_eof()
        self.transport.resume_reading()
        self.since = self._server.clock.now()

    def _refuse(self, error: Exception) -> None:
        """The bytes are not acceptable HTTP: say so if nothing is being answered, and close."""
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
        if cause is not None and not isinstance(cause, (BadRequest, httptools.HttpParserError)):
            raise cause
        request, self._active = self._active, None
        self._head_open = False
        if request is not None and not request.done:
            request.done = True
            if request.sink is not None:
                request.sink.on_client_left()
            self.abort()
            return
        status, text = 400, "malformed request"
        if isinstance(cause, BadRequest):
            status, text = cause.status, cause.text
        self._server.refused(self.peer, text)
        refused = ServerRequest(self, b"", b"", b"", [], 0)
        refused.keep_alive = False
        self._active = refused
        refused.respond_text(status, text)

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
        return data

    def sweep(self, now: float) -> None:
        """Look for slowness. `since` is set on the first look after a silence began, so it is late by at most SWEEP_S."""
        active = self._active
        if active is not None:
            if active.sink is not None:
                active.sink.on_sweep(now)
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


def _drop(data: bytes) -> None:
    """The taker of a connection that lingers."""


class HttpServer:
    """A listening socket and its connections. Inert until `run`."""

    def __init__(
        self,
        application: Application,
        *,
        host: str,
        port: int,
        clock: Clock,
        limits: ServerLimits | None = None,
    ) -> None:
        self.application = application
        self.limits = limits or ServerLimits()
        self.clock = clock
        self.connections: set[ServerConnection] = set()
        self.date_line = _date_line(clock)
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._log = get_logger("http")

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one once `run` has started."""
        return self._host, self._port

    def call_soon(self, callback: Any, *args: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon(callback, *args)

    def refused(self, peer: str, text: str) -> None:
        self._log.debug("request refused", peer=peer, why=text)

    async def listen(self) -> None:
        """Take the port, but no connection yet. Raises UserError when it cannot be had."""
        self._loop = asyncio.get_running_loop()
        try:
            self._server = await self._loop.create_server(
                lambda: ServerConnection(self),
                self._host,
                self._port,
                backlog=BACKLOG,
                start_serving=False,
            )
        except OSError as error:
            raise UserError(
                "port-taken",
                f"cannot listen on {self._host}:{self._port}",
                hint="another program has the port; choose another one, or 0 for any free one",
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then take no more connections and give requests under way `drain_s` to end.

        Raises UserError when the port cannot be had.
        """
        if self._server is None:
            await self.listen()
        assert self._server is not None
        await self._server.start_serving()
        task_status.started()
        try:
            await self._sweep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await self._drain()

    async def _sweep_forever(self) -> None:
        while True:
            await self.clock.sleep(SWEEP_S)
            now = self.clock.now()
            self.date_line = _date_line(self.clock)
            for connection in list(self.connections):
                self._sweep(connection, now)

    def _sweep(self, connection: ServerConnection, now: float) -> None:
        """A bug in one request must not end the others."""
        try:
            connection.sweep(now)
        except Exception:
            self._log.exception("request failed", peer=connection.peer)
            connection.transport.abort()  # the request hears of it as of a client that left

    async def _drain(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            if not connection.busy:
                connection.abort()
        with anyio.move_on_after(self.limits.drain_s):
            while self.connections:
                await anyio.sleep(SWEEP_S)
                now = self.clock.now()
                for connection in list(self.connections):
                    if connection.busy:
                        self._sweep(connection, now)
                    else:
                        connection.abort()
        for connection in list(self.connections):
            connection.abort()


def _date_line(clock: Clock) -> bytes:
    """Precise to SWEEP_S."""
    return b"Date: %b\r\n" % format_datetime(clock.wall(), usegmt=True).encode()
