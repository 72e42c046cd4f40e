"""One request on its way through: the hands of the exchange table.

`Exchange` is told by the client's side (BodySink), by the pod's side (Answer) and by the backend (Waiter) what happens, feeds
it to tanebi.http.exchange as an event, and carries out the actions. Body bytes are copied straight from one side to the other;
a side that cannot keep up holds the other one back. The sides are known by tanebi.http.sides alone, so each may be of any
version. Read in this order: activator.carriage (what is remembered), this file (what is done), activator.fromclient and
activator.frompod (what happens). Texts and numbers: reference/knative-serving.md §2.1, §3.4. Caller: activator.gateway makes
one for each proxied request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from activator.breaker import Verdict
from activator.carriage import APP_UNREACHABLE, QUEUE_FULL, Surroundings
from activator.forward import (
    CHANGED,
    forwarded_lines,
    head_for_app,
    peer_lines,
    raw_head_for_app,
)
from activator.frompod import FromPod
from activator.throttler import Target
from activator.times import server_timing
from tanebi.http.errors import HttpError
from tanebi.http.exchange import TRANSITIONS, Action, Event, State, on_connect_failure, step
from tanebi.http.headers import SERVER_TIMING, TRACEPARENT
from tanebi.http.pool import Address
from tanebi.http.sides import ClientStream, PodStream
from tanebi.http.tunnel import Tunnel

# Numbers of states and events: a list is indexed faster by an int than by a member of an enum.
_QUEUED: Final = int(State.QUEUED)
_CONNECTING: Final = int(State.CONNECTING)
_SENDING: Final = int(State.SENDING)
_WAITING: Final = int(State.WAITING)
_GRANTED: Final = int(Event.GRANTED)
_DENIED: Final = int(Event.DENIED)
_CONNECTED: Final = int(Event.CONNECTED)


class Exchange(FromPod):
    """A proxied request. Implements activator.backend.Waiter beside what its bases implement."""

    __slots__ = ()

    def begin(self) -> None:
        """It is this request's turn."""
        around, backend = self._around, self._backend
        self._meter = backend.arrive(self._began)
        if backend.facts.server_timing or self._request.seen & SERVER_TIMING:
            self._timed = True
            self._routed_at = around.now()
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
        pod = around.take(found.address)
        if pod is None or pod.closed:
            self._state = _CONNECTING
            self._reconnect()
            return
        self._pod = pod
        self._state = _SENDING
        self._send_up()

    def _feed(self, event: int) -> None:
        self._state, actions = _TABLE[self._state][event]
        for action in actions:
            action(self)

    def on_granted(self, target: Target) -> None:
        self._waited()
        self._target = target
        self._feed(_GRANTED)

    # --- actions -------------------------------------------------------------------------------

    def _acquire(self) -> None:
        if self._forwarded:
            self._forwarded = False
            self._meter.arrive(self._around.now())
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
            self._cold = self._cold or not self._backend.throttler.targets
            self._waits()

    def _cancel(self) -> None:
        self._backend.cancel(self)

    def _connect(self) -> None:
        pod = self._around.take(self._target.address)
        if pod is None or pod.closed:
            self._reconnect()
            return
        self._pod = pod
        self._feed(_CONNECTED)

    def _reconnect(self) -> None:
        self._dial = self._around.spawn(self._dialled(self._target.address))

    async def _dialled(self, address: Address) -> None:
        try:
            pod = await self._around.dial(address)
        except HttpError:
            self._dial = None
            self._attempts += 1
            self._refusal = APP_UNREACHABLE
            self._backend.distrust(address)
            self._feed(on_connect_failure(self._attempts))
            return
        self._dial = None
        if self._state != _CONNECTING:
            pod.close()
            return
        self._pod = pod
        self._feed(_CONNECTED)

    def _send_up(self) -> None:
        request, pod = self._request, self._pod
        assert pod is not None
        self._reused = pod.served > 0
        pod.begin(self, head_only=request.method == b"HEAD")
        connection = request.connection
        known = connection.forwarded_for
        if known is not None and known[0] == request.host:
            forwarded = known[1]
        else:
            forwarded = self._forwarded_lines()
        trace = b"" if request.seen & TRACEPARENT else self._around.trace()
        if self._target.peer:
            trace += peer_lines(self._backend.key, request.headers)
            if not self._forwarded:
                self._forwarded = True
                self._meter.leave(self._around.now())
        raw = request.raw
        as_it_came = raw is not None and pod.raw_heads and not self._host and not self._extra
        if raw is not None and as_it_came and not request.seen & CHANGED:
            pod.send_raw(raw_head_for_app(raw, forwarded=forwarded, trace=trace))
        else:
            self._send_head(request, pod, forwarded, trace)
        if request.slow:
            pod.pause()
        if request.complete:
            self._state = _WAITING

    def _send_head(
        self, request: ClientStream, pod: PodStream, forwarded: bytes, trace: bytes
    ) -> None:
        """The head, and what came of the body before now."""
        head = head_for_app(
            request,
            self._host or request.host,
            forwarded=forwarded,
            extra=self._extra,
            trace=trace,
        )
        complete, ahead = request.complete, self._ahead
        ended = complete and not ahead and not request.trailers
        self._ahead = None
        pod.send_head(head, ended=ended)
        if ahead:
            self._body_sent = True
            request.want_body()  # first: these very writes may ask to hold it again
            for piece in ahead:
                pod.send_body(piece)
        if complete and not ended:
            pod.send_end(request.trailers)

    def _forwarded_lines(self) -> bytes:
        """Remembered by the connection: a client seldom changes the host it asks for."""
        connection, host = self._request.connection, self._request.host
        lines = forwarded_lines(connection.peer.encode(), host, (), scheme=connection.scheme)
        connection.forwarded_for = (host, lines)
        return lines

    def _send_down(self) -> None:
        """The head waits at the client's side for the first bytes of the body: a flush follows at once."""
        if self._cold:
            self._around.woke(self._backend, self.times)

    def _join(self) -> None:
        request, pod = self._request, self._pod
        assert pod is not None
        self._tunnel = tunnel = Tunnel(
            self, request.transport, pod.transport, gone=request.tunnel_over
        )
        tunnel.pod.spoke = bool(self._switch[1])
        pod.hand_over(tunnel.pod)
        ahead = request.hand_over(tunnel.client)
        if request.slow:
            tunnel.client.pause_writing()
        request.send_switch(*self._switch)
        if ahead:
            pod.transport.write(ahead)

    def _keep_up(self) -> None:
        pod, self._pod = self._pod, None
        if pod is not None:
            pod.keep()

    def _close_up(self) -> None:
        pod, self._pod = self._pod, None
        if pod is not None:
            pod.close()
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()

    def _release(self) -> None:
        self._backend.release(self._target)

    def _refuse(self) -> None:
        self._waited()
        why, key, waited_s = self._refusal, self._backend.key, self.times.waited_s
        revision = f"{key.namespace}/{key.name}"
        blame = f"{why.fault}; revision={revision}; queued={waited_s:.3f}"
        self._status = why.status
        headers = [(b"Tanebi-Error", blame.encode())]
        if self._timed:
            headers.append((b"Server-Timing", server_timing(self.times)))
        self._request.respond_text(why.status, self._refusal_text(), headers)

    def _refusal_text(self) -> str:
        why, key = self._refusal, self._backend.key
        return why.text if why.knatives else f"{why.text} (revision {key.namespace}/{key.name})"

    def _time_out(self) -> None:
        self._request.time_out(self._refusal.text.encode())

    def _cut(self) -> None:
        self._request.abort()

    def _finish(self) -> None:
        self._request.finish()

    def _accounted(self) -> None:
        self._account()


__all__ = ["Exchange", "Surroundings"]

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
    Action.TIME_OUT: Exchange._time_out,
    Action.FINISH: Exchange._finish,
    Action.FINISH_CLOSE: Exchange._finish,
    Action.ACCOUNT: Exchange._accounted,
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
