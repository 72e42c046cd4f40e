"""The broker service: brokers become streams, triggers become dispatchers, and one handler takes events for all.

It follows the cache: a broker of our class has a stream from the moment it is seen, a trigger on it a place in that stream,
whether its subscriber is there yet or not. A deleted broker's events and a deleted trigger's place are dropped; the uid tells
a new object from an old one of the same name. Built by tanebi.up; the log survives it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus

from eventing import metrics
from eventing.api.broker_types import Broker
from eventing.api.kinds import BROKER, TRIGGER
from eventing.api.trigger_types import Trigger
from eventing.delivery import Target
from eventing.dispatcher import Dispatcher, Route
from eventing.filters import compile_filter
from eventing.ingress import EVENT_BYTES_MAX, Ingress, Intake
from eventing.log import DeadLetter, EventLog, Name
from eventing.retry import policy_of
from tanebi.api.addressable import host_of
from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Key, Obj, Resource, key_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.http.messages import Sender

R = TypeVar("R", bound=Resource)

CLUSTER_LOCAL: Final = ".svc.cluster.local"

_LOG = get_logger("broker")


class World(Protocol):
    """What the service needs of tanebi.kube.cache.Cache."""

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None: ...

    def subscribe(
        self, kind: AnyKind, callback: Callable[[Obj | None, Obj | None], None]
    ) -> None: ...

    async def wait_synced(self, *kinds: AnyKind) -> None: ...


class _Running:
    """A trigger that is being served."""

    def __init__(self, name: Name, broker: Name, dispatcher: Dispatcher) -> None:
        self.name = name
        self.broker = broker
        self.dispatcher = dispatcher
        self.scope = anyio.CancelScope()
        self.made_from: tuple[Trigger, Broker] | None = None


class BrokerService:
    """Inert until `run`. Mount `ingress` at the broker's host and at plain local hosts."""

    def __init__(
        self,
        world: World,
        log: EventLog,
        *,
        sender: Sender,
        clock: Clock,
        body_max: int = EVENT_BYTES_MAX,
    ) -> None:
        self._world = world
        self._log = log
        self._sender = sender
        self._clock = clock
        self._intake = Intake(log, clock)
        self.ingress = Ingress(self._intake, body_max)
        self._wanted: dict[Key, Key] = {}  # trigger → its broker
        self._running: dict[Key, _Running] = {}
        self._tasks: TaskGroup | None = None

    def backlog(self, trigger: Key) -> int | None:
        """Events that a trigger has not answered for; None when it is not served."""
        found = self._running.get(trigger)
        return found.dispatcher.backlog if found else None

    def known(self) -> tuple[set[Name], set[Name]]:
        """Brokers and triggers that the log holds something for."""
        return set(self._log.streams()), set(self._log.cursors())

    async def dead_letters(self, trigger: Name, *, limit: int) -> Sequence[DeadLetter]:
        """The oldest events of a trigger that nobody took."""
        return await self._log.dead_letters(trigger, limit=limit)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Started once the log is open and every broker and trigger is known.

        Raises Unavailable when the log cannot be opened.
        """
        async with anyio.create_task_group() as tasks:
            await tasks.start(self._run_log)
            self._tasks = tasks
            self._world.subscribe(BROKER, self._broker_changed)
            self._world.subscribe(TRIGGER, self._trigger_changed)
            await self._world.wait_synced(BROKER, TRIGGER)
            self._forget_unknown()
            self.ingress.ready = True
            task_status.started()

    async def _run_log(self, *, task_status: TaskStatus[None]) -> None:
        await self._log.run(task_status=task_status)

    # --- following the cache ---------------------------------------------------------------------

    def _broker_changed(self, old: Obj | None, new: Obj | None) -> None:
        key = key_of(new or old or {})
        broker = self._world.get(BROKER, *key) if new is not None else None
        name = _name(broker) if broker is not None and broker.ours else None
        before = self.ingress.brokers.get(key)
        if before is not None and before != name:
            del self.ingress.brokers[key]
        if name is not None:
            self._log.stream(name)
            self.ingress.brokers[key] = name
        for trigger, wanted in list(self._wanted.items()):
            if wanted == key:
                self._serve(trigger)
        if before is not None and before != name:
            self._log.drop_stream(before)

    def _trigger_changed(self, old: Obj | None, new: Obj | None) -> None:
        key = key_of(new or old or {})
        trigger = self._world.get(TRIGGER, *key) if new is not None else None
        if trigger is None:
            self._wanted.pop(key, None)
        else:
            self._wanted[key] = trigger.broker_key
        self._serve(key)

    def _serve(self, key: Key) -> None:
        """Make what runs for one trigger agree with what the world says."""
        running = self._running.get(key)
        trigger = self._world.get(TRIGGER, *key) if key in self._wanted else None
        broker = self._world.get(BROKER, *trigger.broker_key) if trigger else None
        owner = self.ingress.brokers.get(trigger.broker_key) if trigger else None
        if running is not None and (
            trigger is None or running.name != _name(trigger) or running.broker != owner
        ):
            self._stop(key, running)
            running = None
        if trigger is None or broker is None or owner is None:
            return
        if running is None:
            running = self._begin(key, trigger, owner)
        if running.made_from != (trigger, broker):
            running.made_from = (trigger, broker)
            running.dispatcher.update(_route(trigger, broker))

    def _begin(self, key: Key, trigger: Trigger, owner: Name) -> _Running:
        name = _name(trigger)
        cursor = self._log.cursor(owner, name)
        dispatcher = Dispatcher(
            name,
            owner,
            cursor=cursor,
            sender=self._sender,
            intake=self._intake,
            clock=self._clock,
            meters=metrics.meters(key.namespace, key.name, lambda: cursor.backlog),
        )
        running = self._running[key] = _Running(name, owner, dispatcher)
        assert self._tasks is not None, "called before run"
        self._tasks.start_soon(self._run_dispatcher, running)
        return running

    async def _run_dispatcher(self, running: _Running) -> None:
        with running.scope:
            await running.dispatcher.run()

    def _stop(self, key: Key, running: _Running) -> None:
        running.scope.cancel()
        del self._running[key]
        self._log.drop_cursor(running.name)
        metrics.forget(key.namespace, key.name)

    def _forget_unknown(self) -> None:
        """Drop what belongs to objects that were deleted while nobody watched."""
        served = {running.name for running in self._running.values()}
        for name in self._log.cursors():
            if name not in served:
                _LOG.info(
                    "trigger is gone, its place is dropped", ns=name.namespace, name=name.name
                )
                self._log.drop_cursor(name)
        known = set(self.ingress.brokers.values())
        for name in self._log.streams():
            if name not in known:
                _LOG.info(
                    "broker is gone, its events are dropped", ns=name.namespace, name=name.name
                )
                self._log.drop_stream(name)


def _name(resource: Resource) -> Name:
    meta = resource.metadata
    return Name(meta.namespace, meta.name, meta.uid)


def _route(trigger: Trigger, broker: Broker) -> Route | None:
    """None while the subscriber is not resolved. A trigger's delivery replaces the broker's as a whole, save for the sink."""
    status = trigger.status
    if not status.subscriber_uri:
        return None
    delivery = trigger.spec.delivery or broker.spec.delivery
    target = Target(status.subscriber_uri, status.dead_letter_sink_uri, policy_of(delivery))
    structured = delivery is not None and delivery.format == "json"
    host = host_of(target.url).partition(":")[0]
    return Route(target, compile_filter(trigger.spec), structured, host.endswith(CLUSTER_LOCAL))
