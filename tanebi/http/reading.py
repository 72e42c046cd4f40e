"""The bytes of a client's connection become requests: the rules for heads and for the framing of bodies.

`RequestReader` is the half of a connection that reads (tanebi.http.connection is the half that keeps order and answers).
httptools parses, strictly; what it lets through and two readers could still read differently is refused here, as BadRequest.
Rules: RFC 9112 §3 (target, Host), §5 (headers), §6 (framing), §11 (smuggling). Its table of cases:
tests/tanebi/http/smuggling.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httptools

from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    KEEP_ALIVE,
    KNATIVE_PROBE,
    KUBE_PROBE,
    MEANING,
    TRANSFER_ENCODING,
    UPGRADE,
    UPGRADING,
    USER_AGENT,
    asks_upgrade,
    is_host,
    says_keep_alive,
    split_target,
)
from tanebi.http.repeats import MISSES_MAX, KnownRequest
from tanebi.http.request import ServerRequest

HEAD_MAX: Final = 65536  # bytes of a request's head
HEADERS_MAX: Final = 200
HEAD_TIMEOUT_S: Final = 10.0  # from the first byte of a head to its last
IDLE_TIMEOUT_S: Final = 120.0  # between requests
HALF_CLOSED_S: Final = 10.0  # without a byte to a client that has ended its side
DRAIN_S: Final = 10.0

KNATIVE_PROBERS: Final = frozenset((b"Knative-Activator-Probe", b"Knative-Autoscaling-Probe"))

_ONCE: Final = HOST | CONTENT_LENGTH | TRANSFER_ENCODING
_RARE: Final = CONTENT_LENGTH | TRANSFER_ENCODING | CONNECTION | EXPECT

_VERSION: Final = b" HTTP/1.1\r\n"
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a client may do. Bytes and seconds."""

    head_max: int = HEAD_MAX
    headers_max: int = HEADERS_MAX
    head_timeout_s: float = HEAD_TIMEOUT_S
    idle_timeout_s: float = IDLE_TIMEOUT_S
    half_closed_s: float = HALF_CLOSED_S
    drain_s: float = DRAIN_S


class BadRequest(Exception):
    """The head breaks a rule; raised inside the parser's callbacks."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class RequestReader:
    """Reads one client. The attribute names that start with `on_` are httptools' callbacks."""

    __slots__ = (
        "_active",
        "_data",
        "_good_host",
        "_head_bytes",
        "_head_open",
        "_headers",
        "_host",
        "_known",
        "_limits",
        "_misses",
        "_parser",
        "_reading",
        "_seen",
        "_trailer_bytes",
        "_trailers",
        "_upgrading",
        "_url",
        "since",
    )

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self.since = 0.0  # when the present silence began; 0: not measured yet
        self._active: ServerRequest | None = None  # being answered
        self._reading: ServerRequest | None = None  # whose body is coming in
        self._upgrading: ServerRequest | None = None  # what follows it is not HTTP if it is granted
        self._data = b""  # the read that is being parsed
        self._url = b""
        self._host = b""
        self._seen = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_open = False
        self._head_bytes = 0  # of a head that came in several reads
        self._known: KnownRequest | None = None  # the last read was this request, alone
        self._misses = 0  # in a row
        self._good_host: bytes | None = None  # the last one that was looked at
        self._trailers: list[tuple[bytes, bytes]] = []
        self._trailer_bytes = 0

    def _arrived(self, request: ServerRequest) -> None:
        """A head is complete and acceptable."""
        raise NotImplementedError

    def _new_request(self, method: bytes) -> ServerRequest:
        raise NotImplementedError

    def on_url(self, piece: bytes) -> None:
        if self._head_open:
            self._url += piece
            return
        self._head_open = True
        self.since = 0.0
        self._url = piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_open:
            self._trailer(name, value)
            return
        meaning = MEANING[name]
        if meaning:
            if meaning & self._seen & _ONCE:
                raise BadRequest(400, f"more than one {name.decode('latin-1')} header")
            if meaning & CONNECTION and says_keep_alive(value):
                meaning = KEEP_ALIVE
            self._seen |= meaning
            if meaning & HOST:
                self._host = value
            elif meaning & USER_AGENT:
                if value[:11] == b"kube-probe/":
                    self._seen |= KUBE_PROBE
                elif value in KNATIVE_PROBERS:
                    self._seen |= KNATIVE_PROBE
        self._headers.append((name, value))

    def _trailer(self, name: bytes, value: bytes) -> None:
        self._trailer_bytes += len(name) + len(value)
        trailers = self._trailers
        trailers.append((name, value))
        limits = self._limits
        if len(trailers) > limits.headers_max or self._trailer_bytes > limits.head_max:
            raise BadRequest(431, "the request's trailers are too large")

    def on_headers_complete(self) -> None:
        self._head_open = False
        headers, seen, data = self._headers, self._seen, self._data
        in_pieces, limits = self._head_bytes, self._limits
        if in_pieces or len(data) > limits.head_max or len(headers) > limits.headers_max:
            self._check_size()
        parser = self._parser
        request = self._new_request(parser.get_method())
        if (
            seen & _RARE
            or not parser.should_keep_alive()
            or (seen & KEEP_ALIVE and parser.get_http_version() != "1.1")
        ):
            self._read_rare(request)
        else:
            if self._host != self._good_host:
                self._check_host()
            if not in_pieces and data.find(_END) + 4 == len(data):
                method = request.method
                rest = len(method) + 1 + len(self._url)  # if one blank is all that is between them
                if data.startswith(method) and data.startswith(_VERSION, rest):
                    request.raw = data
                    if self._misses < MISSES_MAX:
                        self._known = KnownRequest(data[rest:], headers, self._host, seen)
        if request.target[:1] != b"/" or request.method == b"CONNECT":
            self._read_target(request)
        self._url = self._host = b""
        self._seen = self._head_bytes = 0
        self._headers = []
        if request.chunked or request.body_length:
            if not (seen & UPGRADE and parser.should_upgrade()):
                self._reading = request  # else see _after_upgrade
        else:
            request.complete = True
        self._arrived(request)

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
        if self._trailers:
            request.trailers, self._trailers, self._trailer_bytes = self._trailers, [], 0
        if request.sink is not None and request is self._active and not request.done:
            request.sink.on_request_end()

    # --- heads ---------------------------------------------------------------------------------

    def _parsed_bytes(self) -> int:
        """Of the present head, as far as it has been read. Other messages may stand before it in the read it began in."""
        size = len(self._url)
        for name, value in self._headers:
            size += len(name) + len(value)
        return size

    def _check_size(self) -> None:
        """A head that came in one small read needs no measuring."""
        size = self._parsed_bytes()
        if size > self._limits.head_max:
            raise BadRequest(431, f"the request's head exceeds {self._limits.head_max} bytes")
        if len(self._headers) > self._limits.headers_max:
            raise BadRequest(431, f"more than {self._limits.headers_max} headers")

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
        if self._host != self._good_host:
            self._check_host()

    def _read_framing(self, request: ServerRequest) -> None:
        for name, value in request.headers:
            meaning = MEANING[name]
            if meaning & CONTENT_LENGTH:
                request.body_length = int(value)  # the parser has seen that these are digits
            elif meaning & TRANSFER_ENCODING:
                if value.strip(b" \t").lower() != b"chunked":
                    raise BadRequest(501, "the only transfer coding understood is chunked")
                request.chunked = True
            elif meaning & EXPECT:
                if value.strip().lower() != b"100-continue":
                    raise BadRequest(417, "the only expectation understood is 100-continue")
                request.expects_continue = not request.http10

    def _check_host(self) -> None:
        host = self._host
        if not host:
            if self._seen & HOST:
                raise BadRequest(400, "the Host header is empty")
            if self._parser.get_http_version() != "1.0":
                raise BadRequest(400, "missing Host header")
        elif not is_host(host):
            raise BadRequest(400, "the Host header is neither a name nor an address")
        else:
            self._good_host = host

    def _read_target(self, request: ServerRequest) -> None:
        if request.method == b"CONNECT":
            raise BadRequest(405, "this is not a forward proxy")
        request.raw = None
        authority, request.target = split_target(request.target)
        if authority is not None:
            if not is_host(authority):
                raise BadRequest(400, "the URL's authority is neither a name nor an address")
            request.host = authority  # whatever Host says (RFC 9112 §3.2.2)
        elif request.target != b"*" or request.method != b"OPTIONS":
            raise BadRequest(400, "the request target is neither a path nor an http URL")
