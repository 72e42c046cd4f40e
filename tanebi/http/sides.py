"""Who talks to whom while one exchange runs: the client's side, the pod's side, and what stands between.

The exchange (activator.proxy, by the table of tanebi.http.exchange) knows only these protocols, so each side may be of any
version of HTTP: a connection of HTTP/1.1 that carries one exchange at a time, or a stream of an HTTP/2 connection.

    ClientStream  <- what the exchange says to the client      BodySink <- what the client's side says to the exchange
    PodStream     <- what the exchange says to the pod         Answer   <- what the pod's side says to the exchange
    PodStreams    <- where PodStreams come from and go to

Heads are structured on both sides: a status or a method, and header pairs in order, names as they were spelled. The `raw` head is
a short cut between two sides of HTTP/1.1: the bytes as they came, which the other side may send on as they are. Framing (lengths,
chunks, END_STREAM) and what concerns one hop only (Connection, Keep-Alive) belong to the sides, never to the exchange.
Not here: the sides themselves (tanebi.http.request, tanebi.http.upstream for HTTP/1.1).
"""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from tanebi.http.errors import HttpError
from tanebi.http.heads import Head
from tanebi.http.messages import Headers
from tanebi.http.pool import Address


def reached_at(transport: asyncio.Transport) -> str:
    """See ClientConnection."""
    own = transport.get_extra_info("sockname")
    return str(own[0]) if isinstance(own, tuple) else ""


def came_from(transport: asyncio.Transport) -> str:
    """See ClientConnection."""
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"


# --- the client's side --------------------------------------------------------------------------


class ClientConnection(Protocol):
    """What the requests of one client's connection have in common."""

    @property
    def peer(self) -> str:
        """The client's IP address."""

    @property
    def scheme(self) -> bytes:
        """`http`, or `https` when the connection is encrypted."""

    @property
    def reached_at(self) -> str:
        """The address of ours that the client has connected to; empty when that is unknown."""

    @property
    def came_from(self) -> str:
        """The client's address with its port; empty when that is unknown."""

    forwarded_for: tuple[bytes, bytes] | None  # the application's memory of this client


class ClientStream(Protocol):
    """One request while it is answered. The answer goes out in this order: interim heads, `send_head`, `send_body`*, `send_end`,
    `finish`; or `respond` alone; or `abort` or `time_out` at any time. Calls after the client has left do nothing.
    """

    method: bytes
    target: bytes  # in origin form, or `*`
    host: bytes  # as sent, with its port
    headers: list[tuple[bytes, bytes]]  # without pseudo-headers
    seen: int  # bits of tanebi.http.headers: the meanings that occur among the headers
    chunked: bool  # it has a body whose length is not known beforehand
    body_length: int  # as announced; meaningless when chunked
    expects_continue: bool
    complete: bool  # the whole body is here, and the trailers
    trailers: Headers  # of the request; meaningful once it is complete
    done: bool  # answered
    sink: BodySink | None  # who takes the body; set by the application
    raw: bytes | None  # the head as it came, when HTTP/1.1 and plain

    @property
    def connection(self) -> ClientConnection: ...

    @property
    def proto(self) -> str:
        """`HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`, as Go spells them."""

    @property
    def slow(self) -> bool:
        """The client does not read: send no more until `BodySink.on_client_ready`."""

    @property
    def transport(self) -> asyncio.Transport:
        """For an Upgrade: the socket, or what acts as one. See `hand_over`."""

    def take_body(self) -> list[bytes]:
        """What came of the body before the sink was there."""

    def hold_body(self) -> None:
        """Read no more of this body until `want_body`."""

    def want_body(self) -> None: ...

    def send_interim(self, status: int, headers: Headers) -> None:
        """A 1xx head. Left out for a client that cannot read one."""

    def send_head(self, status: int, headers: Headers, seen: int, raw: bytes | None) -> None:
        """The final head, as the pod gave it; it may wait for the first bytes of the body until `flush`. `seen`: as in `Answer`.
        `raw`: as in `Answer`, or None when the headers are not what came."""

    def send_body(self, piece: bytes) -> None: ...

    def flush(self) -> None:
        """Write out what waits."""

    def send_end(self, trailers: Headers) -> None:
        """The answer is complete."""

    def finish(self) -> None:
        """The exchange is over in good order: the next request may begin. A request that is not complete yet never will be."""

    def abort(self) -> None:
        """Half an answer is out and there will be no more: let the client see that it is not whole."""

    def time_out(self, text: bytes) -> None:
        """Half an answer is out and its time is up. Where the framing has room, `text` is appended and the answer ends; else as
        `abort`. Either way the exchange is over, as after `finish`, and the connection of HTTP/1.1 ends."""

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer of our own, and `finish`."""

    def respond_text(self, status: int, text: str, headers: Headers = ()) -> None:
        """`respond` with a plain sentence."""

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        """The client's socket tells `end` from now on; the request stays the one being answered. Returns what was sent ahead."""

    def send_switch(self, headers: Headers, rest: bytes) -> None:
        """The head of the 101 that grants an Upgrade, and the pod's first bytes after it."""

    def tunnel_over(self, exc: Exception | None) -> None:
        """After `hand_over`: the client's connection is gone. May be told twice."""


class BodySink(Protocol):
    """Who takes a request once its head is known. All calls come from the loop, never from within `Application.begin`."""

    def on_request_body(self, chunk: bytes) -> None: ...

    def on_request_end(self) -> None:
        """The body is complete; trailers are in the request."""

    def on_client_left(self) -> None:
        """The client is gone; nothing can be answered."""

    def on_client_slow(self) -> None:
        """The client reads slowly: send no more until `on_client_ready`."""

    def on_client_ready(self) -> None: ...

    def on_sweep(self, now: float) -> None:
        """Look at your deadlines. Called every SWEEP_S while the request is being answered."""


class Application(Protocol):
    def begin(self, request: ClientStream) -> None:
        """A request's head is here, and it is its turn. Set `request.sink` or answer at once."""


# --- the pod's side -----------------------------------------------------------------------------


class PodStream(Protocol):
    """The way of one request to a pod and of its answer back. Calls come in this order: `begin`, then `send_raw` or `send_head`,
    then `send_body`*, then `send_end` unless the head said that nothing follows. After `close` nothing is told any more.
    """

    @property
    def raw_heads(self) -> bool:
        """Whether `send_raw` is understood: HTTP/1.1."""

    closed: bool
    served: int  # exchanges begun on the connection before this one; above 0, the peer may have closed it unseen

    @property
    def transport(self) -> asyncio.Transport:
        """For an Upgrade. See `hand_over`."""

    def begin(self, answer: Answer, *, head_only: bool) -> None:
        """The answer goes to `answer`. `head_only`: the request is HEAD."""

    def send_raw(self, head: bytes) -> None:
        """The head of a request without a body, ready for the wire of HTTP/1.1."""

    def send_head(self, head: Head, *, ended: bool) -> None:
        """`ended`: neither body nor trailers follow."""

    def send_body(self, piece: bytes) -> None: ...

    def send_end(self, trailers: Headers) -> None:
        """The request is complete. Trailers are left out where the framing has no room for them."""

    def pause(self) -> None:
        """Take no more of the answer until `resume`, or until it turns out to be complete already."""

    def resume(self) -> None: ...

    def keep(self) -> None:
        """The exchange is over and the stream is clean (`Answer.on_end` said reusable): back to where it came from."""

    def close(self) -> None:
        """Of no use any more; the answer is told nothing. A request under way is broken off."""

    def hand_over(self, end: asyncio.Protocol) -> None:
        """From now on `end` hears of the socket instead. `close` still cuts it."""


class Answer(Protocol):
    """Who takes an answer. Calls come in this order: interim*, head, body*, then end or failed, once."""

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """A 1xx head."""

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        """The final head. `seen`: the meanings (tanebi.http.headers) that occur among the headers. `raw`: the head as it came,
        when it is of HTTP/1.1 and came in one piece."""

    def on_body(self, chunk: bytes) -> None: ...

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        """Complete. The owner calls `keep` on a reusable stream and `close` on any other."""

    def on_failed(self, error: HttpError) -> None:
        """The connection is gone before the end."""

    def on_flush(self) -> None:
        """Nothing more is to be read for now: write out what was put together."""

    def on_sending_paused(self) -> None:
        """The peer reads slowly: send no more until resumed."""

    def on_sending_resumed(self) -> None: ...


@runtime_checkable
class Switching(Protocol):
    """An `Answer` that may be a 101 too. To any other one a 101 is a broken answer."""

    def may_switch(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """The peer switches protocols; whether that was asked for."""

    def on_switched(self, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        """Take the connection by `hand_over` now. `rest`: the first bytes of the other protocol. Nothing more is called."""


class PodStreams(Protocol):
    """Where the exchange gets its PodStream. One implementation may serve several versions and tell them by the address."""

    def take(self, address: Address) -> PodStream | None:
        """One that is ready now, or None: dial. It may have died this very moment: look at `closed`."""

    async def dial(self, address: Address) -> PodStream:
        """By a new connection. Raises tanebi.http.errors.ConnectFailed."""
