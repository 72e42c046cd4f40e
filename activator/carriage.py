"""One request on its way through: what it remembers, and what all exchanges use.

The base of activator.proxy.Exchange. Events come in by activator.fromclient and activator.frompod; activator.proxy carries out
what the table says to each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from activator.backend import Backend
from activator.meter import Meter
from activator.throttler import Target
from tanebi.base.clock import Clock
from tanebi.http.exchange import State
from tanebi.http.sides import ClientStream, PodStream, PodStreams
from tanebi.http.tunnel import Tunnel

QUEUE_FULL: Final = (503, "pending request queue full")
QUEUE_TIMEOUT: Final = (503, "activator request timeout")
APP_TIMEOUT: Final = (504, "request timeout")
APP_DIED: Final = (502, "the app ended the connection before it answered")
APP_GARBLED: Final = (502, "the app's answer is not HTTP/1.1")
APP_UNREACHABLE: Final = (502, "the app does not accept connections")


class Surroundings:
    """What every exchange uses: functions, looked up once."""

    __slots__ = ("dial", "now", "spawn", "take", "woke")

    def __init__(
        self,
        clock: Clock,
        streams: PodStreams,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        woke: Callable[[Backend, float], None],
    ) -> None:
        self.now = clock.now
        self.take = streams.take
        self.dial = streams.dial
        self.spawn = spawn
        self.woke = woke  # a request found no pod and waited this many seconds for its answer


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
        "_host",
        "_meter",
        "_moved",
        "_moved_at",
        "_pod",
        "_refusal",
        "_request",
        "_retried",
        "_reused",
        "_state",
        "_status",
        "_switch",
        "_target",
        "_tunnel",
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
        self._began = 0.0
        self._moved = False  # something was written to the client since the last sweep
        self._moved_at = 0.0  # 0: since it began
        self._cold = False  # it found no pod

    def __repr__(self) -> str:
        return f"Exchange({State(self._state).name} {self._backend.key})"

    def _feed(self, event: int) -> None:
        """One step of the table."""
        raise NotImplementedError

    def _account(self) -> None:
        self._meter.leave(self._around.now())
        self._backend.counts.by_class[min(self._status // 100, 5)] += 1
