"""Whole requests and answers, for what is small: deliveries, probes, importers.

`HttpClient.request` sends one request and returns its answer, body included, within a deadline and a size limit. Connections
are kept and reused. Redirects are not followed and nothing is decoded: data goes out and comes in byte for byte.
Not for proxied traffic (activator.proxy streams). Errors: tanebi.http.errors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from tanebi.base.clock import Clock
from tanebi.http.deadlines import Deadlines
from tanebi.http.errors import (
    ConnectFailed,
    ExchangeTimeout,
    HttpError,
    PeerReset,
    ResponseTooLarge,
    StaleConnection,
)
from tanebi.http.exchange import REPLAYABLE
from tanebi.http.headers import CONTENT_LENGTH, HOST, end_to_end
from tanebi.http.heads import ONE_HOP, Head
from tanebi.http.messages import Headers, HttpResponse, header
from tanebi.http.podstreams import PodWays
from tanebi.http.pool import Address
from tanebi.http.sealed import request_bytes
from tanebi.http.sides import PodStream
from tanebi.http.upstream import CONNECT_TIMEOUT_S, UpstreamConnection, Upstreams, pool_key

RESPONSE_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a URL leads: the peer's address, what goes into Host, and the target to ask for."""

    address: Address
    host: bytes
    target: bytes
    tls: bool


@lru_cache(maxsize=1024)
def parse_url(url: str) -> Origin:
    """Read an absolute http or https URL. Raises ValueError that says what is wrong."""
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise ValueError(f"the URL contains blanks or control characters: {url!r}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an absolute http or https URL: {url!r}")
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    try:
        host.encode("ascii")
    except UnicodeEncodeError:
        host = host.encode("idna").decode()
    return Origin((parts.hostname, port), host.encode(), _quoted(target), tls)


def _quoted(target: str) -> bytes:
    return b"".join(bytes([b]) if b < 128 else b"%%%02X" % b for b in target.encode())


class _Whole:
    """Collects one answer and resolves a future with it. Implements tanebi.http.upstream.Answer, tanebi.http.deadlines.Wait."""

    __slots__ = (
        "_chunks",
        "_connection",
        "_headers",
        "_max",
        "_size",
        "_status",
        "done",
        "ended",
    )

    def __init__(
        self,
        connection: PodStream,
        done: asyncio.Future[HttpResponse],
        response_max: int,
    ) -> None:
        self._connection = connection
        self._max = response_max
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self.done = done
        self.ended = False

    def leave(self) -> None:
        """Nobody waits any more: half an answer makes the connection useless."""
        if not self.ended:
            self._connection.close()

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The final answer is what counts."""

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        self._status, self._headers = status, headers

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._max:
            self._connection.close()
            self.on_failed(
                ResponseTooLarge("response-too-large", f"the answer exceeds {self._max} bytes")
            )
            return
        self._chunks.append(chunk)

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        self.ended = True
        if reusable:
            self._connection.keep()
        else:
            self._connection.close()
        if not self.done.done():
            self.done.set_result(HttpResponse(self._status, self._headers, b"".join(self._chunks)))

    def on_failed(self, error: HttpError) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def on_late(self) -> None:
        if not self.done.done():
            self.done.set_exception(TimeoutError())

    def on_flush(self) -> None:
        """Nothing is held back here."""

    def on_sending_paused(self) -> None:
        """The whole request was written at once; the transport holds it."""

    def on_sending_resumed(self) -> None:
        """See on_sending_paused."""


class HttpClient:
    """Sends whole requests. One per role; safe for any number of concurrent requests."""

    def __init__(
        self, clock: Clock, upstreams: Upstreams | None = None, *, ways: PodWays | None = None
    ) -> None:
        """`ways`: who knows the addresses where HTTP/2 is spoken; without it none is."""
        self._clock = clock
        self._ways = ways
        self._upstreams = upstreams or Upstreams(clock)
        self._deadlines = Deadlines()

    async def request(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        timeout_s: float,
        response_max: int = RESPONSE_MAX,
        address: Address | None = None,
    ) -> HttpResponse:
        """The answer to one request. `address` says where to connect when it is not where `url` says.

        Raises ConnectFailed, ExchangeTimeout, PeerReset (StaleConnection when a kept connection ended before it said anything
        and the request may not be repeated unasked), ResponseTooLarge, BadResponse; ValueError for a bad URL or header.
        """
        origin = parse_url(url)
        data = request_bytes(method, origin.host, origin.target, headers, body)
        where = address or origin.address
        head_only = method == "HEAD"
        if self._ways is not None and self._ways.is_h2(where) and not origin.tls:
            head = _head(method, origin, headers, len(body))
            return await self._request_h2(where, head, body, timeout_s, response_max)
        began = asyncio.get_running_loop().time()
        self._upstreams.expire(self._clock.now())
        try:
            kept = self._upstreams.take(pool_key(where, tls=origin.tls))
            if kept is not None and not kept.closed:
                whole = self._begin(kept, data, head_only, response_max)
                self._deadlines.begin(whole, timeout_s)
                try:
                    return await whole.done
                except PeerReset as error:
                    if not kept.silent:
                        raise
                    if body or method.encode() not in REPLAYABLE:
                        raise _stale() from error
                finally:
                    self._deadlines.end(whole, timeout_s)
                    whole.leave()
            async with asyncio.timeout_at(began + timeout_s):
                fresh = await self._upstreams.dial(
                    where, timeout_s=CONNECT_TIMEOUT_S, tls=origin.tls
                )
                whole = self._begin(fresh, data, head_only, response_max)
                try:
                    return await whole.done
                finally:
                    whole.leave()
        except TimeoutError as error:
            raise ExchangeTimeout(
                "exchange-timeout",
                f"no complete answer from {origin.host.decode()} in {timeout_s:g} s",
            ) from error

    async def _request_h2(
        self, where: Address, head: Head, body: bytes, timeout_s: float, response_max: int
    ) -> HttpResponse:
        assert self._ways is not None
        try:
            async with asyncio.timeout(timeout_s):
                stream = self._ways.take(where) or await self._ways.dial(where)
                whole = _Whole(stream, asyncio.get_running_loop().create_future(), response_max)
                stream.begin(whole, head_only=head.method == b"HEAD")
                stream.send_head(head, ended=not body)
                if body:
                    stream.send_body(body)
                    stream.send_end(())
                try:
                    return await whole.done
                finally:
                    whole.leave()
        except TimeoutError as error:
            host = head.host.decode()
            text = f"no complete answer from {host} in {timeout_s:g} s"
            raise ExchangeTimeout("exchange-timeout", text) from error

    def close(self) -> None:
        """Close idle connections."""
        self._upstreams.close()

    def _begin(
        self, connection: UpstreamConnection, data: bytes, head_only: bool, response_max: int
    ) -> _Whole:
        done: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        whole = _Whole(connection, done, response_max)
        connection.begin(whole, head_only=head_only)
        connection.write(data)
        return whole


def _head(method: str, origin: Origin, headers: Headers, length: int) -> Head:
    """What `request_bytes` writes, for another version: it has looked at every header."""
    host = header(headers, b"host") or origin.host
    kept = end_to_end(headers, ONE_HOP | HOST | CONTENT_LENGTH)
    if length or method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        kept.append((b"content-length", b"%d" % length))
    return Head(method.encode(), origin.target, host, kept)


def _stale() -> StaleConnection:
    return StaleConnection("stale-connection", "a kept connection ended before it said anything")


__all__ = ["ConnectFailed", "HttpClient", "Origin", "parse_url"]
