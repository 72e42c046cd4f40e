"""One trigger's deliveries: read the log, filter, send, and do what the delivery machine says.

The pump reads records ahead and the workers, as many as the window admits, send them; a worker that is done takes the next record
without a detour through the loop. A trigger has its own pump, window and workers, so a slow one holds up nobody else. While its
subscriber is not resolved it is paused and its events wait in the log.

Caller: eventing.broker. Policy: eventing.delivery, eventing.retry, eventing.window, eventing.filters.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from eventing.delivery import (
    Again,
    Bury,
    Done,
    Reply,
    Step,
    Target,
    answered,
    reply_not_stored,
    reply_refused,
    unanswered,
)
from eventing.events import BadEvent, Event, to_structured, with_extensions
from eventing.filters import Accepts
from eventing.ingress import EVENT_BYTES_MAX, Intake
from eventing.log import READ_MAX, LogCursor, Name, Record
from eventing.metrics import Meters
from eventing.window import Window
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.http.errors import HttpError, StaleConnection
from tanebi.http.messages import HttpResponse, Sender
from tanebi.http.sealed import Sealed, seal

# How long a delivery may wait for room at a service here before it counts as failed.
CAPACITY_WAIT_S: Final = 300.0
# A reply is an event: what the ingress would refuse is not read to its end.
RESPONSE_BYTES_MAX: Final = EVENT_BYTES_MAX
# Kept connections in a row that a delivery may find closed; one more counts as an attempt.
STALE_MAX: Final = 3
# Starting a task costs more than a delivery; an idle one costs 3 kB.
IDLE_WORKERS_MAX: Final = 64

_PREFER: Final = (b"Prefer", b"reply")
_LOG: Final = get_logger("dispatcher")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a trigger's events go now, and which. `local`: to a service here, which scales by what waits for it."""

    target: Target
    accepts: Accepts
    structured: bool = False
    local: bool = False


class Dispatcher:
    """Inert until `run`. `broker` is where replies go; `route` None pauses."""

    def __init__(
        self,
        trigger: Name,
        broker: Name,
        *,
        cursor: LogCursor,
        sender: Sender,
        intake: Intake,
        clock: Clock,
        meters: Meters,
    ) -> None:
        self._trigger = trigger
        self._broker = broker
        self._cursor = cursor
        self._sender = sender
        self._intake = intake
        self._clock = clock
        self._meters = meters
        self._extra = seal((_PREFER, (b"Kn-Namespace", trigger.namespace.encode())))
        self._route: Route | None = None
        self._resumed = asyncio.Event()
        self._drained = asyncio.Event()
        self._window = Window()
        self._ready: deque[Record] = deque()
        self._idle: list[asyncio.Future[Record]] = []

    @property
    def backlog(self) -> int:
        """Events that are not answered for."""
        return self._cursor.backlog

    def update(self, route: Route | None) -> None:
        """From now on deliver so. Deliveries under way end as they began."""
        self._route = route
        if route is None:
            self._resumed.clear()
        else:
            self._window.local = route.local
            self._resumed.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        async with anyio.create_task_group() as workers:
            task_status.started()
            while True:
                route = await self._open_route()
                for record in await self._cursor.read(READ_MAX):
                    if record.progress.failure is None and not route.accepts(
                        record.event.attributes
                    ):
                        self._cursor.done(record)
                        self._meters.filtered.inc()
                    else:
                        self._ready.append(record)
                self._start(workers)
                await asyncio.sleep(0)
                while len(self._ready) > self._low_water():
                    self._drained.clear()
                    await self._drained.wait()

    def _low_water(self) -> float:
        """Below this many records in hand more are read: enough that workers who end together all find one."""
        return max(self._window.size, READ_MAX // 2)

    async def _open_route(self) -> Route:
        while self._route is None:
            await self._resumed.wait()
        return self._route

    # --- workers ---------------------------------------------------------------------------------

    def _start(self, workers: TaskGroup) -> None:
        """Give what is ready to idle workers, or to new ones, as far as the window admits."""
        while (record := self._next()) is not None:
            while self._idle:
                waiting = self._idle.pop()
                if not waiting.done():
                    waiting.set_result(record)
                    break
            else:
                workers.start_soon(self._work, workers, record)

    def _next(self) -> Record | None:
        """Take the next record if the window admits it."""
        if not self._ready or not self._window.admits(self._ready[0].event.size):
            return None
        record = self._ready.popleft()
        self._window.begin(record.event.size)
        if len(self._ready) <= self._low_water():
            self._drained.set()
        return record

    async def _work(self, workers: TaskGroup, record: Record) -> None:
        while True:
            began = self._clock.now()
            distress = await self._deliver(record)
            took_s = self._clock.now() - began
            self._window.end(record.event.size, distress=distress, took_s=took_s)
            following = self._next()
            self._start(workers)  # the window may have grown
            if following is None:
                if len(self._idle) >= IDLE_WORKERS_MAX:
                    return
                waiting: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
                self._idle.append(waiting)
                following = await waiting
            record = following

    # --- one delivery ----------------------------------------------------------------------------

    async def _deliver(self, record: Record) -> bool:
        """Send once and record the outcome. True when the peer showed distress."""
        route = self._route or await self._open_route()
        step = await self._send(route, record)
        distress = isinstance(step, Again) and step.progress.attempts > 0
        if isinstance(step, Reply):
            step = await self._store(route.target, record, step.event)
        self._perform(record, step)
        return distress

    async def _send(self, route: Route, record: Record) -> Step:
        target, failure = route.target, record.progress.failure
        if failure is None:
            url, event = target.url, record.event
        elif target.dead_letter_url:
            url, event = target.dead_letter_url, with_extensions(record.event, failure.extensions())
        else:
            return Bury(failure)  # the sink was taken away meanwhile
        try:
            headers, body = _encode(event, structured=route.structured)
            send = partial(
                self._sender.send,
                "POST",
                url,
                headers.joined(self._extra),
                body,
                wait_s=CAPACITY_WAIT_S,
                timeout_s=target.policy.timeout_s,
                response_max=RESPONSE_BYTES_MAX,
            )
            try:
                answer = await send()
            except StaleConnection:
                answer = await _insist(send)
        except HttpError as error:
            return unanswered(target, record.progress, error, wall=self._clock.wall())
        except Exception as error:
            # An address that no sender can use, or a bug of ours: this delivery fails, the others go on.
            _LOG.exception("a delivery could not be sent", url=url)
            broken = HttpError("delivery-failed", f"cannot be sent: {type(error).__name__}")
            return unanswered(target, record.progress, broken, wall=self._clock.wall())
        return answered(target, record.progress, record.event, answer, wall=self._clock.wall())

    async def _store(self, target: Target, record: Record, reply: Event) -> Step:
        """A reply is on disk before the delivery that brought it is acknowledged."""
        try:
            await self._intake.accept(self._broker, reply)
        except BadEvent as error:
            return reply_refused(target, error.status, str(error))
        except (Unavailable, KeyError) as error:
            return reply_not_stored(target, record.progress, str(error), wall=self._clock.wall())
        return Done()

    def _perform(self, record: Record, step: Step) -> None:
        match step:
            case Done():
                self._cursor.done(record)
                to_sink = record.progress.failure is not None
                (self._meters.dead_lettered if to_sink else self._meters.delivered).inc()
            case Again(progress, after_s):
                self._cursor.again(record, progress, after_s)
                self._meters.retried.inc()
            case Bury(failure):
                self._cursor.bury(record, failure)
                self._meters.buried.inc()
                ns, name, _ = self._trigger
                _LOG.warning("event kept as dead letter", ns=ns, name=name, reason=failure.reason)
            case Reply():
                raise AssertionError("a reply is stored before it is performed")


async def _insist(send: Callable[[], Awaitable[HttpResponse]]) -> HttpResponse:
    """Send again at once: that a kept connection turned out to be closed is no failure of the peer."""
    for _ in range(STALE_MAX - 1):
        try:
            return await send()
        except StaleConnection:
            continue
    return await send()


def _encode(event: Event, *, structured: bool) -> tuple[Sealed, bytes]:
    if not structured:
        return event.wire(), event.data
    headers, body = to_structured(event)
    return seal(headers), body
