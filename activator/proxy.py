"""One request on its way through: the hands of the exchange table.

`Exchange` is told by the client's connection (BodySink), by the pod's connection (Answer) and by the backend (Waiter) what
happens, feeds it to tanebi.http.exchange as an event, and carries out the actions. Body bytes are copied straight from one
socket to the other; a side that cannot keep up holds the other one back. Slowness is found by the server's sweep (every 0.1
s), which asks each exchange; an exchange has no timer of its own. Texts and numbers: reference/knative-serving.md §2.1, §3.4.
Caller: activator.gateway makes one for each proxied request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from activator.backend import Backend
from activator.breaker import Verdict
from activator.forward import (
    answer_head,
    chunk,
    forwarded_lines,
    interim_head,
    last_chunk,
    passes_unchanged,
    raw_request_head,
    request_head,
    switching_head,
    upgrade_lines,
)
from activator.meter import Meter
from activator.throttler import Target
from tanebi.base.clock import Clock
from tanebi.http.errors import BadResponse, HttpError
from tanebi.http.exchange import (
    TRANSITIONS,
    Action,
    Event,
    State,
    on_connect_failure,
    on_connection_lost,
    step,
)
from tanebi.http.headers import CONTENT_LENGTH, UPGRADING, bodiless, grants_upgrade
from tanebi.http.pool import Address
from tanebi.http.request import ServerRequest
from tanebi.http.tunnel import Tunnel
from tanebi.http.upstream import UpstreamConnection, Upstreams

BODY_AHEAD_MAX: Final = 65536  # bytes of a body taken in before its pod is known

QUEUE_FULL: Final = (503, "pending request queue full")
QUEUE_TIMEOUT: Final = (503, "activator request timeout")
APP_TIMEOUT: Final = (504, "request timeout")
APP_DIED: Final = (502, "the app ended the connection before it answered")
APP_GARBLED: Final = (502, "the app's answer is not HTTP/1.1")
APP_UNREACHABLE: Final = (502, "the app does not accept connections")

# The numbers of states and events: a list is indexed faster by an int than by a member of an enum.
_HEAD: Final = int(State.HEAD)
_QUEUED: Final = int(State.QUEUED)
_CONNECTING: Final = int(State.CONNECTING)
_SENDING: Final = int(State.SENDING)
_WAITING: Final = int(State.WAITING)
_STREAMING: Final = int(State.STREAMING)
_TUNNEL: Final = int(State.TUNNEL)
_DONE: Final = int(State.DONE)
_GRANTED: Final = int(Event.GRANTED)
_DENIED: Final = int(Event.DENIED)
_CONNECTED: Final = int(Event.CONNECTED)
_SENT: Final = int(Event.SENT)
_RESP_HEAD: Final = int(Event.RESP_HEAD)
_RESP_END: Final = int(Event.RESP_END)
_TIMER: Final = int(Event.TIMER)
_CLIENT_LEFT: Final = int(Event.CLIENT_LEFT)
_LOST: Final = int(Event.LOST)
_SWITCHED: Final = int(Event.SWITCHED)

_WAITING_FOR_POD: Final = (State.HEAD, State.QUEUED, State.CONNECTING)


class Surroundings:
    """What every exchange uses: functions, looked up once."""

    __slots__ = ("dial", "give_back", "now", "spawn", "take", "woke")

    def __init__(
        self,
        clock: Clock,
        upstreams: Upstreams,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        woke: Callable[[Backend, float], None],
    ) -> None:
        self.now = clock.now
        self.take = upstreams.take
        self.give_back = upstreams.give_back
        self.dial = upstreams.dial
        self.spawn = spawn
        self.woke = woke  # a request found no pod and waited this many seconds for its answer


class Exchange:
    """A proxied request. Implements BodySink, Answer, Switching, Waiter and TunnelOwner."""

    __slots__ = (
        "_again",
        "_ahead",
        "_ahead_bytes",
        "_answer_chunked",
        "_answered",
        "_around",
        "_attempts",
        "_backend",
        "_began",
        "_body_sent",
        "_cold",
        "_dial",
        "_extra",
        "_head_out",
        "_host",
        "_meter",
        "_moved",
        "_moved_at",
        "_refusal",
        "_request",
        "_request_ended",
        "_retried",
        "_reused",
        "_state",
        "_status",
        "_target",
        "_tunnel",
        "_upstream",
    )

    _meter: Meter
    _target: Target  # from GRANTED to RELEASE
    _reused: bool  # its connection served others before
    _tunnel: Tunnel  # since SWITCHED

    def __init__(
        self,
        request: ServerRequest,
        backend: Backend,
        around: Surroundings,
        host: bytes,
        extra: bytes,
    ) -> None:
        self._request = request
        self._backend = backend
        self._around = around
        self._host = host  # rewritten Host, or empty
        self._extra = extra  # header lines of the route
        self._request_ended = request.complete
        self._state = _HEAD
        self._upstream: UpstreamConnection | None = None
        self._dial: asyncio.Task[None] | None = None
        self._attempts = 0  # failed dials
        self._again = False  # it has held a slot before
        self._retried = False  # a connection died under it before
        self._refusal = APP_DIED  # what to say if it fails now
        self._ahead: list[bytes] | None = None  # body that came before the pod was known
        self._ahead_bytes = 0
        self._body_sent = False  # some of the body is gone: it cannot be sent again
        self._status = 0
        self._answered = False  # the head of the answer is here
        self._answer_chunked = False
        self._head_out = b""  # head of the answer, held back for the first bytes of the body
        self._began = 0.0
        self._moved = False  # something was written to the client since the last sweep
        self._moved_at = 0.0  # 0: since it began
        self._cold = False  # it found no pod

    def __repr__(self) -> str:
        return f"Exchange({State(self._state).name} {self._backend.key})"

    def begin(self) -> None:
        """It is this request's turn."""
        around, backend = self._around, self._backend
        self._began = now = around.now()
        self._meter = backend.arrive(now)
        if self._request.pending is not None:
            for piece in self._request.take_body():
                self.on_request_body(piece)
        # The usual way to a pod: the table's steps (_USUAL), without asking it for each.
        found = backend.throttler.offer(self)
        self._again = True
        if found.__class__ is not Target:
            self._state = _QUEUED
            self._acquired(found)
            return
        self._target = found
        upstream = around.take(found.address)
        if upstream is None or upstream.closed:
            self._state = _CONNECTING
            self._reconnect()
            return
        self._upstream = upstream
        self._state = _SENDING
        self._send_up()

    def _feed(self, event: int) -> None:
        self._state, actions = _TABLE[self._state][event]
        for action in actions:
            action(self)

    # --- from the client (tanebi.http.request.BodySink) -----------------------------------------

    def on_request_body(self, piece: bytes) -> None:
        upstream = self._upstream
        if upstream is not None and self._ahead is None:
            self._body_sent = True
            upstream.write(chunk(piece) if self._request.chunked else piece)
            return
        if self._ahead is None:
            self._ahead = []
        self._ahead.append(piece)
        self._ahead_bytes += len(piece)
        if self._ahead_bytes > BODY_AHEAD_MAX:
            self._request.hold_body()

    def on_request_end(self) -> None:
        self._request_ended = True
        upstream = self._upstream
        if upstream is not None and self._ahead is None:
            if self._request.chunked:
                upstream.write(last_chunk(()))
            self._feed(_SENT)

    def on_client_left(self) -> None:
        self._feed(_CLIENT_LEFT)

    def on_client_slow(self) -> None:
        if self._upstream is not None:
            self._upstream.pause()

    def on_client_ready(self) -> None:
        if self._upstream is not None:
            self._upstream.resume()

    def on_sweep(self, now: float) -> None:
        """The three timeouts of a revision; 0 switches one off."""
        if self._state == _TUNNEL:
            self._sweep_tunnel(now)
            return
        facts = self._backend.facts
        if self._moved:
            self._moved, self._moved_at = False, now
        elapsed = now - self._began
        late = 0 < facts.timeout_s <= elapsed
        if not late and not self._answered:
            late = 0 < facts.response_start_timeout_s <= elapsed
        if not late:
            late = 0 < facts.idle_timeout_s <= now - (self._moved_at or self._began)
        if late:
            self._refusal = QUEUE_TIMEOUT if self._state in _WAITING_FOR_POD else APP_TIMEOUT
            self._feed(_TIMER)

    def _sweep_tunnel(self, now: float) -> None:
        tunnel = self._tunnel
        if tunnel.moved:
            tunnel.moved, self._moved_at = False, now
        total_s, idle_s = self._backend.facts.tunnel_times_s(half_closed=tunnel.half_closed)
        if 0 < total_s <= now - self._began or 0 < idle_s <= now - self._moved_at:
            self._feed(_TIMER)

    # --- from the backend (activator.backend.Waiter) -------------------------------------------

    def on_granted(self, target: Target) -> None:
        self._target = target
        self._feed(_GRANTED)

    # --- from the pod (tanebi.http.upstream.Answer) --------------------------------------------

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not self._request.http10:
            self._request.write(interim_head(status, headers))

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        request = self._request
        self._status = status
        self._answered = True
        if not seen & CONTENT_LENGTH and request.method != b"HEAD" and not bodiless(status):
            if request.http10:
                request.keep_alive = False
            else:
                self._answer_chunked = True
        if not self._request_ended:
            request.keep_alive = False
        own = b"" if request.keep_alive and not request.http10 else request.connection_header()
        chunked = self._answer_chunked
        if raw is None or own or chunked or not passes_unchanged(status, seen):
            raw = answer_head(status, headers, seen, chunked=chunked, own=own)
        self._head_out = raw
        if self._state == _WAITING:
            self._state = _STREAMING
            if self._cold:
                self._send_down()
        else:
            self._feed(_RESP_HEAD)

    def on_body(self, piece: bytes) -> None:
        if self._answer_chunked:
            piece = chunk(piece)
        head = self._head_out
        if head:
            self._head_out = b""
            piece = head + piece
        self._moved = True
        self._request.connection.transport.write(piece)

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        if self._head_out:
            self.on_flush()
        if self._answer_chunked:
            self._request.write(last_chunk(trailers))
        upstream = self._upstream
        assert upstream is not None
        if not reusable:
            upstream.close()
        if self._state != _STREAMING:
            self._feed(_RESP_END)
            return
        self._state = _DONE
        self._upstream = None
        self._around.give_back(upstream)
        self._backend.release(self._target)
        request = self._request
        request.connection.finished(request)
        self._account()

    def on_failed(self, error: HttpError) -> None:
        self.on_flush()
        self._upstream = None
        self._refusal = APP_GARBLED if isinstance(error, BadResponse) else APP_DIED
        event = on_connection_lost(
            method=self._request.method,
            reused=self._reused,
            answered=self._answered or isinstance(error, BadResponse),
            body_sent=self._body_sent,
            retried=self._retried,
        )
        self._retried = True
        self._feed(event)

    def on_flush(self) -> None:
        head = self._head_out
        if head:
            self._head_out = b""
            self._moved = True
            self._request.write(head)

    def on_sending_paused(self) -> None:
        self._request.hold_body()

    def on_sending_resumed(self) -> None:
        self._request.want_body()

    # --- an Upgrade (tanebi.http.upstream.Switching, tanebi.http.tunnel.TunnelOwner) ------------

    def may_switch(self, headers: list[tuple[bytes, bytes]]) -> bool:
        asked = self._request
        return bool(asked.seen & UPGRADING) and grants_upgrade(headers, asked.headers)

    def on_switched(self, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        self._status = 101
        self._head_out = switching_head(headers) + rest
        self._feed(_SWITCHED)

    def on_tunnel_end(self) -> None:
        self._feed(_RESP_END)

    def on_tunnel_broken(self, *, by_client: bool) -> None:
        self._feed(_CLIENT_LEFT if by_client else _LOST)

    # --- actions -------------------------------------------------------------------------------

    def _acquire(self) -> None:
        self._acquired(self._backend.throttler.offer(self, first=self._again))
        self._again = True

    def _acquired(self, found: Target | Verdict) -> None:
        if isinstance(found, Target):
            self._target = found
            self._feed(_GRANTED)
        elif found is Verdict.FULL:
            self._refusal = QUEUE_FULL
            self._feed(_DENIED)
        else:
            self._cold = not self._backend.throttler.targets

    def _cancel(self) -> None:
        self._backend.cancel(self)

    def _connect(self) -> None:
        upstream = self._around.take(self._target.address)
        if upstream is None or upstream.closed:
            self._reconnect()
            return
        self._upstream = upstream
        self._feed(_CONNECTED)

    def _reconnect(self) -> None:
        self._dial = self._around.spawn(self._dialled(self._target.address))

    async def _dialled(self, address: Address) -> None:
        try:
            upstream = await self._around.dial(address)
        except HttpError:
            self._dial = None
            self._attempts += 1
            self._refusal = APP_UNREACHABLE
            self._backend.distrust(address)
            self._feed(on_connect_failure(self._attempts))
            return
        self._dial = None
        if self._state != State.CONNECTING:
            upstream.close()
            return
        self._upstream = upstream
        self._feed(_CONNECTED)

    def _send_up(self) -> None:
        request, upstream = self._request, self._upstream
        assert upstream is not None
        self._reused = upstream.served > 0
        upstream.begin(self, head_only=request.method == b"HEAD")
        head = self._head(request)
        if self._ahead is not None or (request.chunked and self._request_ended):
            self._send_ahead(upstream, head)
        else:
            upstream.transport.write(head)
        if request.connection.slow:
            upstream.pause()
        if self._request_ended:
            self._state = _WAITING

    def _head(self, request: ServerRequest) -> bytes:
        known = request.connection.forwarded_for
        if known is not None and known[0] == request.host:
            forwarded = known[1]
        else:
            forwarded = self._forwarded_lines()
        if request.raw is not None and not self._host:
            head = raw_request_head(
                request.raw, request.seen, forwarded=forwarded, extra=self._extra
            )
            if head is not None:
                return head
        extra = self._extra
        if request.seen & UPGRADING:
            extra += upgrade_lines(request.headers)
        return request_head(
            request.method,
            request.target,
            self._host or request.host,
            request.headers,
            request.seen,
            peer=request.connection.peer.encode(),
            chunked=request.chunked,
            forwarded=forwarded,
            extra=extra,
        )

    def _send_ahead(self, upstream: UpstreamConnection, head: bytes) -> None:
        """What came of the body before now, in one write with the head."""
        ahead, self._ahead = self._ahead or [], None
        chunked = self._request.chunked
        self._body_sent = bool(ahead)
        parts = [head, *(map(chunk, ahead) if chunked else ahead)]
        if chunked and self._request_ended:
            parts.append(last_chunk(()))
        self._request.want_body()  # first: this very write may ask to hold it again
        upstream.write(b"".join(parts))

    def _forwarded_lines(self) -> bytes:
        """Remembered by the connection: a client seldom changes the host it asks for."""
        connection, host = self._request.connection, self._request.host
        lines = forwarded_lines(connection.peer.encode(), host, ())
        connection.forwarded_for = (host, lines)
        return lines

    def _send_down(self) -> None:
        """The head waits in `_out` for the first bytes of the body: on_flush follows at once."""
        if self._cold:
            self._around.woke(self._backend, self._around.now() - self._began)

    def _join(self) -> None:
        request, upstream = self._request, self._upstream
        assert upstream is not None
        request.keep_alive = False
        client = request.connection
        self._tunnel = tunnel = Tunnel(
            self, client.transport, upstream.transport, gone=client.connection_lost
        )
        upstream.hand_over(tunnel.pod)
        ahead = request.hand_over(tunnel.client)
        if client.slow:
            tunnel.client.pause_writing()
        client.transport.write(self._head_out)
        self._head_out = b""
        if ahead:
            upstream.write(ahead)

    def _keep_up(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            self._around.give_back(upstream)

    def _close_up(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()

    def _release(self) -> None:
        self._backend.release(self._target)

    def _refuse(self) -> None:
        self._status, text = self._refusal
        self._request.respond_text(self._status, text)

    def _cut(self) -> None:
        self._request.abort()

    def _finish(self) -> None:
        request = self._request
        request.connection.finished(request)

    def _account(self) -> None:
        self._meter.leave(self._around.now())
        self._backend.counts.by_class[min(self._status // 100, 5)] += 1


_ACTIONS: Final[dict[Action, Callable[[Exchange], None]]] = {
    Action.ACQUIRE: Exchange._acquire,
    Action.CANCEL: Exchange._cancel,
    Action.CONNECT: Exchange._connect,
    Action.RECONNECT: Exchange._reconnect,
    Action.SEND_UP: Exchange._send_up,
    Action.SEND_DOWN: Exchange._send_down,
    Action.JOIN: Exchange._join,
    Action.KEEP_UP: Exchange._keep_up,
    Action.CLOSE_UP: Exchange._close_up,
    Action.RELEASE: Exchange._release,
    Action.REFUSE: Exchange._refuse,
    Action.CUT: Exchange._cut,
    Action.FINISH: Exchange._finish,
    Action.FINISH_CLOSE: Exchange._finish,
    Action.ACCOUNT: Exchange._account,
}
assert set(_ACTIONS) == set(Action), "the interpreter of actions must be total"


# What a plain exchange does. `begin`, `_send_up`, `on_head` and `on_end` take these steps without the table: six look-ups and
# eight calls less are a tenth of the whole price of a request.
_USUAL: Final = (
    (State.HEAD, Event.ARRIVED, State.QUEUED, (Action.ACQUIRE,)),
    (State.QUEUED, Event.GRANTED, State.CONNECTING, (Action.CONNECT,)),
    (State.CONNECTING, Event.CONNECTED, State.SENDING, (Action.SEND_UP,)),
    (State.SENDING, Event.SENT, State.WAITING, ()),
    (State.WAITING, Event.RESP_HEAD, State.STREAMING, (Action.SEND_DOWN,)),
    (
        State.STREAMING,
        Event.RESP_END,
        State.DONE,
        (Action.KEEP_UP, Action.RELEASE, Action.FINISH, Action.ACCOUNT),
    ),
)
assert all(TRANSITIONS[s][e] == (after, actions) for s, e, after, actions in _USUAL)

_Step = tuple[int, tuple[Callable[[Exchange], None], ...]]


def _impossible(state: State, event: Event) -> _Step:
    def complain(exchange: Exchange) -> None:
        step(state, event)  # raises Bug

    return int(state), (complain,)


def _compiled(state: State, event: Event) -> _Step:
    found = TRANSITIONS[state].get(event)
    if found is None:
        return _impossible(state, event)
    return int(found[0]), tuple(_ACTIONS[action] for action in found[1])


# The exchange table with each action in place of its name: a step is one look-up and its calls.
_TABLE: Final = [[_compiled(state, event) for event in Event] for state in State]
