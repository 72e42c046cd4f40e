"""Our side of a connection to an HTTP/1.1 server: one request at a time, both bodies streamed.

`UpstreamConnection` writes what it is given and reports what it reads to its `Answer`. Bodies are never collected here; who
cannot keep up calls `pause` and the kernel's buffers hold the peer back. `Upstreams` keeps idle connections (tanebi.http.pool
decides which) and dials new ones; names are resolved off the loop. Callers: activator.proxy (streams, as
tanebi.http.sides.PodStream), tanebi.http.client (whole messages). Grammar is checked by httptools, strictly.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import httptools

from tanebi.base.clock import Clock
from tanebi.http import ways
from tanebi.http.errors import BadResponse, ConnectFailed, HttpError, PeerReset
from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    KEEP_ALIVE,
    MEANING,
    TRANSFER_ENCODING,
    bodiless,
    says_keep_alive,
)
from tanebi.http.heads import Head, chunk, last_chunk, request_head
from tanebi.http.messages import Headers
from tanebi.http.pool import Address, Pool
from tanebi.http.repeats import MISSES_MAX, KnownAnswer, length_of
from tanebi.http.sides import Answer, Switching

HEAD_MAX: Final = 65536  # bytes of an answer's head
CONNECT_TIMEOUT_S: Final = 10.0
EXPIRE_EVERY_S: Final = 1.0
HEADERS_MAX: Final = 200  # of an answer; as many trailers
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 [0-9]{3}(?: [\t\x20-\x7e\x80-\xff]*)?")
_RARE: Final = CONNECTION | TRANSFER_ENCODING  # two lengths: the parser sees them
REST_READS_MAX: Final = 16  # of 64 KiB, from a connection that broke while it was written to


class Home(Protocol):
    """Where a connection comes from and is kept while it is idle."""

    def give_back(self, connection: UpstreamConnection) -> None: ...

    def idle_lost(self, connection: UpstreamConnection) -> None:
        """It died there."""


class UpstreamConnection(asyncio.Protocol):
    """One connection. Idle when `answer` is None. Implements tanebi.http.sides.PodStream."""

    __slots__ = (
        "address",
        "answer",
        "closed",
        "served",
        "_body_of_rest",
        "_chunked_up",
        "_data",
        "_ended",
        "_good_line",
        "_head_bytes",
        "_head_only",
        "_headers",
        "_in_body",
        "_keep",
        "_known",
        "_misses",
        "_home",
        "_parser",
        "_paused",
        "_switched",
        "_trailers",
        "transport",
    )

    raw_heads: Final = True

    def __init__(self, address: Address, home: Home) -> None:
        self.address = address
        self.answer: Answer | None = None
        self.closed = False
        self.served = 0
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._home = home
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._trailers: list[tuple[bytes, bytes]] = []
        self._head_only = False
        self._known: KnownAnswer | None = None  # the last read was this answer, whole
        self._misses = 0  # in a row
        self._good_line = b""  # the last status line that was looked at
        self._data = b""  # the read in which the present head began
        self._head_bytes = 0
        self._in_body = False
        self._body_of_rest = False
        self._chunked_up = False  # the request's body goes out in chunks
        self._keep = True
        self._ended = True
        self._paused = False
        self._switched: list[tuple[bytes, bytes]] | None = None  # the head of a 101

    @property
    def silent(self) -> bool:
        """No byte of the present answer has come; after a failure, of the last one."""
        return self._head_bytes == 0 and not self._in_body

    # --- what the owner does -------------------------------------------------------------------

    def begin(self, answer: Answer, *, head_only: bool) -> None:
        """The next request's answer goes to `answer`. `head_only`: the request is HEAD."""
        assert self.answer is None, "one request at a time"
        self.answer = answer
        self._head_only = head_only
        self._ended = False
        self.served += 1

    def write(self, data: bytes) -> None:
        """Bytes of a request that was put together elsewhere (tanebi.http.client)."""
        self.transport.write(data)

    def send_raw(self, head: bytes) -> None:
        self._chunked_up = False
        self.transport.write(head)

    def send_head(self, head: Head, *, ended: bool) -> None:
        self._chunked_up = head.chunked
        data = request_head(head)
        self.transport.write(data + last_chunk(()) if ended and head.chunked else data)

    def send_body(self, piece: bytes) -> None:
        self.transport.write(chunk(piece) if self._chunked_up else piece)

    def send_end(self, trailers: Headers) -> None:
        if self._chunked_up:
            self.transport.write(last_chunk(trailers))

    def pause(self) -> None:
        """Read no more until `resume`, or until the answer turns out to be complete already."""
        if not self.closed and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if not self.closed and self._paused:
            self._paused = False
            self.transport.resume_reading()

    def hand_over(self, end: asyncio.Protocol) -> None:
        """From now on `end` hears of the socket instead. `close` still cuts it."""
        self.answer = None
        self.transport.set_protocol(end)

    def keep(self) -> None:
        """The answer is complete and said so: serve another request some day."""
        self._home.give_back(self)

    def close(self) -> None:
        """Of no use any more; the answer is told nothing."""
        self.answer = None
        self.closed = True
        self.transport.abort()

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.answer is None:
            self._drop_idle()
            return
        known = self._known
        if known is not None:
            if known.again(data) and not self._head_only:
                self._answer_again(known, data)
                return
            self._known = None
            self._misses += 1
        if not self._in_body:
            self._head_bytes += len(data)
            self._data = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._fail(_bad_response(error))
            return
        if self._head_bytes > HEAD_MAX and not self._in_body:
            self._fail(
                BadResponse("bad-response", f"the head of the answer exceeds {HEAD_MAX} bytes")
            )
            return
        if self.answer is not None:
            self.answer.on_flush()

    def _answer_again(self, known: KnownAnswer, data: bytes) -> None:
        self._misses = 0
        self._keep = self._in_body = True
        self._body_of_rest = False
        answer, raw = self.answer, known.raw
        assert answer is not None
        answer.on_head(known.status, known.headers, known.seen, raw)
        if len(data) > len(raw) and self.answer is answer:
            answer.on_body(data[len(raw) :])
        if self.answer is answer:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        answer = self.answer
        if answer is None:
            self._home.idle_lost(self)
            return
        if isinstance(exc, OSError):
            self._read_rest()
            if self.answer is None:
                return
        if self._in_body and self._body_of_rest and exc is None:
            self._keep = False
            self._end()
            return
        self._fail(PeerReset("peer-reset", "the connection ended before the answer did"))

    def _read_rest(self) -> None:
        """An app may answer early and close before it has read the whole request (RFC 9112 §9.5). Our next write fails then and
        ends the transport, with the answer still unread in the socket, which is closed only after this call."""
        if self.transport.get_extra_info("sslcontext") is not None:
            return
        number = self.transport.get_extra_info("socket").fileno()
        for _ in range(REST_READS_MAX):
            try:
                data = os.read(number, 65536)
            except OSError:
                return  # nothing more, or the reset itself
            if not data or self.answer is None:
                return
            self.data_received(data)

    def pause_writing(self) -> None:
        if self.answer is not None:
            self.answer.on_sending_paused()

    def resume_writing(self) -> None:
        if self.answer is not None:
            self.answer.on_sending_resumed()

    # --- httptools -----------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            self._trailer(name, value)
        else:
            self._headers.append((name, value))

    def _trailer(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        self._trailers.append((name, value))
        if len(self._trailers) > HEADERS_MAX or self._head_bytes > HEAD_MAX:
            raise ValueError("the trailers of the answer are too large")

    def on_headers_complete(self) -> None:
        if self._ended:
            raise ValueError("an answer without a question")
        answer = self.answer
        assert answer is not None
        status = self._parser.get_status_code()
        headers, self._headers = self._headers, []
        if len(headers) > HEADERS_MAX:
            raise ValueError(f"more than {HEADERS_MAX} headers")
        if status < 200:
            self._interim(answer, status, headers)
            return
        seen = 0
        for name, _ in headers:
            seen |= MEANING[name]
        if seen & _RARE:
            seen = self._read_rare(headers, seen)
        self._in_body = True
        raw = self._raw_head()
        self._head_bytes = 0
        self._keep = self._parser.should_keep_alive()
        self._body_of_rest = not seen & (CONTENT_LENGTH | TRANSFER_ENCODING)
        if raw is not None and self._keep:
            self._remember(raw, status, headers, seen)
        answer.on_head(status, headers, seen, raw)
        if self._head_only:
            # The parser would wait for the body that the head announces; it is of no use after this.
            self._parser = httptools.HttpResponseParser(self)
            self._keep = self._keep or not seen & (CONTENT_LENGTH | TRANSFER_ENCODING)
            self._end()

    def _raw_head(self) -> bytes | None:
        """The head as it came, when it came in one piece. The parser does not read reason phrases; a head is not passed on as it
        came when its own is none (RFC 9112 §4)."""
        data = self._data
        if self._head_bytes != len(data) or not data.startswith(b"HTTP/1.1 "):
            if self._parser.get_http_version() not in ("1.0", "1.1"):
                raise ValueError("neither HTTP/1.0 nor HTTP/1.1")
            return None
        line = data[: data.find(b"\r\n")]
        if line != self._good_line:
            if _STATUS_LINE.fullmatch(line) is None:
                return None
            self._good_line = line
        return data[: data.find(b"\r\n\r\n") + 4]

    def _remember(
        self, raw: bytes, status: int, headers: list[tuple[bytes, bytes]], seen: int
    ) -> None:
        if self._misses < MISSES_MAX and not bodiless(status):
            length = length_of(headers)
            if len(raw) + length == len(self._data):
                self._known = KnownAnswer(raw, status, headers, seen, length)

    def _interim(self, answer: Answer, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if status < 100:
            raise ValueError("the status has not three digits")
        self._data = b""
        if status != 101:
            answer.on_interim(status, headers)
        elif isinstance(answer, Switching) and answer.may_switch(headers):
            self._switched = headers  # the parser raises HttpParserUpgrade next
        else:
            raise ValueError("a switch of protocols that nobody asked for")

    def _read_rare(self, headers: list[tuple[bytes, bytes]], seen: int) -> int:
        """Framing that two readers could read differently is refused (RFC 9112 §6.3); what the parser refuses itself is not
        looked at again. Returns `seen`, with KEEP_ALIVE for a Connection that says no more."""
        lengths = 0
        keep_alive = True
        for name, value in headers:
            meaning = MEANING[name]
            if meaning & CONTENT_LENGTH:
                lengths += 1
            elif meaning & TRANSFER_ENCODING:
                lengths += 1
                if value.strip(b" \t").lower() != b"chunked":
                    raise ValueError("the only transfer coding understood is chunked")
                if self._parser.get_http_version() != "1.1":
                    raise ValueError("a transfer coding in HTTP/1.0")
            elif meaning & CONNECTION:
                keep_alive = keep_alive and says_keep_alive(value)
        if lengths > 1:
            raise ValueError("the length of the body is ambiguous")
        return seen & ~CONNECTION | KEEP_ALIVE if seen & CONNECTION and keep_alive else seen

    def on_body(self, chunk: bytes) -> None:
        if self.answer is not None and not self._ended:
            self.answer.on_body(chunk)

    def on_message_complete(self) -> None:
        if self._in_body and not self._ended:
            self._end()

    # --- ends ----------------------------------------------------------------------------------

    def _end(self) -> None:
        answer, self.answer = self.answer, None
        trailers, self._trailers = self._trailers, []
        self._in_body = False
        self._ended = True
        if self._paused:
            self.resume()
        if answer is not None:
            answer.on_end(trailers, reusable=self._keep and not self.closed)

    def _switch(self, rest: bytes) -> None:
        answer, headers = self.answer, self._switched
        if headers is None:
            self._fail(_bad_response(ValueError("not a 101")))
        elif answer is not None:  # else it was closed within the parser's callbacks
            assert isinstance(answer, Switching)
            answer.on_switched(headers, rest)

    def _fail(self, error: HttpError) -> None:
        answer, self.answer = self.answer, None
        self._ended = True
        self.closed = True
        self.transport.abort()
        if answer is not None:
            answer.on_failed(error)

    def _drop_idle(self) -> None:
        """Bytes nobody asked for: the peer is confused, or somebody is smuggling."""
        self.closed = True
        self.transport.abort()


def _bad_response(cause: Exception) -> BadResponse:
    error = BadResponse("bad-response", "the answer is not HTTP/1.1")
    error.__cause__ = cause
    return error


def pool_key(address: Address, *, tls: bool) -> Address:
    """What the pool knows a connection by: an encrypted one never serves a plain request. No host name has a blank."""
    return (f"tls {address[0]}", address[1]) if tls else address


@dataclass(eq=False)
class Upstreams:
    """Idle connections and the way to new ones."""

    clock: Clock
    tls: ssl.SSLContext | None = None
    pool: Pool[UpstreamConnection] = field(default_factory=Pool)
    _expired_at: float = 0.0

    def __post_init__(self) -> None:
        self.pool.now = self._expired_at = self.clock.now()

    def take(self, address: Address) -> UpstreamConnection | None:
        """An idle connection, or None: dial. It may have died this very moment: look at `closed`."""
        return self.pool.take(address)

    def give_back(self, connection: UpstreamConnection) -> None:
        """The connection is clean and idle."""
        if not connection.closed:
            surplus = self.pool.put(connection.address, connection)
            if surplus is not None:
                surplus.close()

    def forget(self, address: Address) -> None:
        """Nothing listens at `address` any more."""
        for connection in self.pool.forget(address):
            connection.close()

    def expire(self, now: float) -> None:
        """Close what has been idle too long; cheap to call often."""
        if now - self._expired_at >= EXPIRE_EVERY_S:
            self._expired_at = now
            for connection in self.pool.expire(now):
                connection.close()

    def close(self) -> None:
        for connection in self.pool.expire(float("inf")):
            connection.close()

    async def dial(
        self, address: Address, *, timeout_s: float = CONNECT_TIMEOUT_S, tls: bool = False
    ) -> UpstreamConnection:
        """A new connection. Raises ConnectFailed."""
        host, port = address
        context = (self.tls or ssl.create_default_context()) if tls else None
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await ways.connect(
                    lambda: UpstreamConnection(pool_key(address, tls=tls), self),
                    host,
                    port,
                    tls=context,
                )
        except (OSError, TimeoutError, UnicodeError) as error:
            raise ConnectFailed(
                "connect-failed", f"no connection to {host}:{port}", hint="is it listening?"
            ) from error
        return connection

    def idle_lost(self, connection: UpstreamConnection) -> None:
        self.pool.drop(connection.address, connection)
