"""One request on its way through: what it remembers, and what all exchanges use.

The base of activator.proxy.Exchange. Events come in by activator.fromclient and activator.frompod; activator.proxy carries out
what the table says to each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from activator.backend import Backend
from activator.meter import Meter
from activator.requestlog import RequestLog
from activator.throttler import Target
from activator.times import Times
from tanebi.base.clock import Clock
from tanebi.http.exchange import State
from tanebi.http.sides import BodySink, ClientStream, PodStream, PodStreams
from tanebi.http.tunnel import Tunnel


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is said to a client that gets no answer of the app's. `fault`: whose it is. Knative's own texts stand alone in the
    body; ours tell there too which revision it was."""

    status: int
    text: str
    fault: Literal["platform", "app"]
    knatives: bool = False


QUEUE_FULL: Final = Refusal(503, "pending request queue full", "platform", knatives=True)
QUEUE_TIMEOUT: Final = Refusal(503, "activator request timeout", "platform", knatives=True)
APP_TIMEOUT: Final = Refusal(504, "request timeout", "app", knatives=True)
APP_DIED: Final = Refusal(502, "the app ended the connection before it answered", "app")
APP_GARBLED: Final = Refusal(502, "the app's answer is not HTTP/1.1", "app")
APP_UNREACHABLE: Final = Refusal(502, "the app does not accept connections", "app")


class Begun(BodySink, Protocol):
    """An exchange, as those see it who make one."""

    def begin(self) -> None: ...


class Surroundings:
    """What every exchange uses: functions, looked up once. `exchange` makes the next one: (request, backend, surroundings, host,
    lines, when it came)."""

    __slots__ = ("dial", "exchange", "log", "now", "spawn", "take", "trace", "woke")

    def __init__(
        self,
        clock: Clock,
        streams: PodStreams,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        trace: Callable[[], bytes],
        woke: Callable[[Backend, Times], None],
        exchange: Callable[[ClientStream, Backend, Surroundings, bytes, bytes, float], Begun],
    ) -> None:
        self.now = clock.now
        self.take = streams.take
        self.dial = streams.dial
        self.spawn = spawn
        self.trace = trace  # the header line that begins a trace
        self.woke = woke  # a request found no pod, and got its answer all the same
        self.exchange = exchange
        self.log: RequestLog | None = None


class Carriage:
    """The state of a proxied request. `_feed` is the way into the table."""

    __slots__ = (
        "_again",
        "_ahead",
        "_ahead_bytes",
        "_answered",
        "_around",
        "_attempts",
        "_backend",
        "_began",
        "_body_sent",
        "_cold",
        "_dial",
        "_extra",
        "_forwarded",
        "_head_at",
        "_host",
        "_meter",
        "_moved",
        "_moved_at",
        "_pod",
        "_queued_s",
        "_refusal",
        "_request",
        "_retried",
        "_reused",
        "_routed_at",
        "_state",
        "_status",
        "_switch",
        "_target",
        "_timed",
        "_tunnel",
        "_waits_since",
        "_woke_s",
    )

    _meter: Meter
    _target: Target  # from GRANTED to RELEASE
    _reused: bool  # its connection served others before
    _tunnel: Tunnel  # since SWITCHED
    _switch: tuple[list[tuple[bytes, bytes]], bytes]  # the head of the 101 and what came after it

    def __init__(
        self,
        request: ClientStream,
        backend: Backend,
        around: Surroundings,
        host: bytes,
        extra: bytes,
        arrived: float,
    ) -> None:
        self._request = request
        self._backend = backend
        self._around = around
        self._host = host  # rewritten Host, or empty
        self._extra = extra  # header lines of the route
        self._state = int(State.HEAD)
        self._pod: PodStream | None = None
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
        self._began = arrived
        self._timed = False  # the client is told where the time went
        self._routed_at = 0.0  # 0: not looked at
        self._head_at = 0.0  # when the head of the answer came; 0: not looked at
        self._waits_since = 0.0  # 0: it does not wait
        self._queued_s = 0.0  # waited while pods were there
        self._woke_s = 0.0  # waited while there was none
        self._moved = False  # something was written to the client since the last sweep
        self._moved_at = 0.0  # 0: since it began
        self._cold = False  # it found no pod
        self._forwarded = False  # another activator has it, and counts it

    def __repr__(self) -> str:
        return f"Exchange({State(self._state).name} {self._backend.key})"

    def _feed(self, event: int) -> None:
        """One step of the table."""
        raise NotImplementedError

    @property
    def times(self) -> Times:
        """Where the time went. The head of the answer is looked at only when the request found no pod or is timed: app_s is 0
        else."""
        route_s = max(0.0, self._routed_at - self._began)
        waited_s = self._queued_s + self._woke_s
        since = self._began + route_s + waited_s
        app_s = max(0.0, self._head_at - since) if self._head_at else 0.0
        return Times(route_s, self._queued_s, self._woke_s, app_s)

    def _waits(self) -> None:
        self._waits_since = self._around.now()

    def _waited(self) -> None:
        """The wait is over, whether with a slot or without."""
        if self._waits_since:
            waited_s = self._around.now() - self._waits_since
            if self._cold:
                self._woke_s += waited_s
            else:
                self._queued_s += waited_s
            self._waits_since = 0.0

    def _account(self) -> None:
        if not self._forwarded:
            self._meter.leave(self._around.now())
        self._backend.counts.by_class[min(self._status // 100, 5)] += 1
