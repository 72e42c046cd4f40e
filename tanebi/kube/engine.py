"""The control loops: watch events become keys, keys become passes.

Per reconciler one work queue and as many workers as it was added with. A key is started the moment its event arrives: no tick, no
poll, so that a write follows the event that asks for it within a task switch and the store's fsync. A patient reconciler does so
only for changed wishes; echoes of what others did wait for a moment of quiet (tanebi.kube.quiet). The policy is pure
(tanebi.kube.workqueue, tanebi.kube.diff); one pass is tanebi.kube.apply.
Caller: tanebi.up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from prometheus_client import Counter

from tanebi.api.kind import AnyKind, Configs
from tanebi.api.meta import Key, Obj, controller_of, key_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.base.rng import Rng
from tanebi.kube.apply import Applier, Outcome
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, Unreachable
from tanebi.kube.metrics import QUEUE_DEPTH, RECONCILE_SECONDS, RECONCILES
from tanebi.kube.plan import Reads, Reconciler
from tanebi.kube.quiet import Quiet
from tanebi.kube.recorder import Recorder
from tanebi.kube.turns import Turns
from tanebi.kube.workqueue import WorkQueue

WORKERS: Final = 32  # they wait for the disk most of the time, and share its fsyncs

_OF_EACH_WRITE: Final = frozenset(("resourceVersion", "managedFields"))

log = get_logger("engine")


class ChangingConfigs(Configs, Protocol):
    """Configs that tell when they change: tanebi.kube.configs.LiveConfigs."""

    def on_change(self, callback: Callable[[], None]) -> None: ...


class Engine:
    """Add reconcilers, then run. `recorder` writes the Events of plans; it runs with the engine. Who does something urgent
    elsewhere tells `quiet`.
    """

    def __init__(
        self, kube: Kube, cache: Cache, configs: ChangingConfigs, clock: Clock, rng: Rng
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._configs = configs
        self._clock = clock
        self._controllers: list[_Controller] = []
        self.quiet = Quiet(clock)
        self._turns = Turns()
        self.recorder = Recorder(kube, clock, rng)
        configs.on_change(self._enqueue_all)

    def add(
        self, reconciler: Reconciler[Any], *, workers: int = WORKERS, patient: bool = False
    ) -> None:
        """Declare a reconciler: its kinds are watched from now on, its keys run once `run` does.

        `patient`: what it does about other kinds' changes, and about statuses, may wait some milliseconds.
        """
        applier = Applier(
            reconciler,
            kube=self._kube,
            cache=self._cache,
            configs=self._configs,
            clock=self._clock,
            recorder=self.recorder,
            quiet=self.quiet if patient else None,
        )
        controller = _Controller(
            applier,
            clock=self._clock,
            quiet=self.quiet,
            turns=self._turns,
            workers=workers,
            patient=patient,
        )
        self._controllers.append(controller)
        for kind in reconciler.owns:
            self._cache.subscribe(kind, _owner_enqueuer(reconciler.kind, controller.echo))
        for reads in reconciler.reads:
            self._cache.subscribe(reads.kind, _reader_enqueuer(reads, self._cache, controller.echo))
        self._cache.subscribe(reconciler.kind, controller.changed)

    def enqueue(self, kind: AnyKind, key: Key) -> None:
        """Run `key` in every reconciler of `kind`: a fact outside the API has changed."""
        for controller in self._controllers:
            if controller.kind is kind:
                controller.enqueue(key)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started when the cache is complete and the first keys run."""
        await self._cache.wait_synced()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.recorder.run)
            for controller in self._controllers:
                tasks.start_soon(controller.run)
            task_status.started()

    def _enqueue_all(self) -> None:
        for controller in self._controllers:
            for key in self._cache.keys(controller.kind):
                controller.enqueue(key)


class _Controller:
    """One reconciler's queue and workers."""

    def __init__(
        self,
        applier: Applier,
        *,
        clock: Clock,
        quiet: Quiet,
        turns: Turns,
        workers: int,
        patient: bool,
    ) -> None:
        self.kind = applier.kind
        self._quiet = quiet
        self._turns = turns
        self._patient = patient
        self._echoes: dict[Key, None] = {}  # in the order of their events
        self._echoed = anyio.Event()
        self._name = applier.component
        self._seconds = RECONCILE_SECONDS.labels(self._name)
        self._depth = QUEUE_DEPTH.labels(self._name)
        self._results: dict[
            str, Counter
        ] = {}  # to look a labelled metric up costs as much as a short pass
        self._applier = applier
        self._clock = clock
        self._queue = WorkQueue(running_max=workers)
        self._complained: dict[Key, str] = {}  # keys that fail, with what was last said
        self._held: list[Key] = []  # started by the queue before there is a task group
        self._tasks: TaskGroup | None = None
        self._timer_moved = anyio.Event()

    def enqueue(self, key: Key) -> None:
        """Run `key` now."""
        self._quiet.touch()
        self._start(self._queue.add(key))

    def echo(self, key: Key) -> None:
        """Something around `key` changed."""
        if self._patient:
            self._echoes[key] = None
            self._echoed.set()
        else:
            self.enqueue(key)

    def changed(self, old: Obj | None, new: Obj | None) -> None:
        """The object itself changed: its wish, or only what is told about it."""
        key = key_of(new or old or {})
        if old is not None and new is not None and _same_wish(old["metadata"], new["metadata"]):
            self.echo(key)
        else:
            self.enqueue(key)

    async def run(self) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._answer_echoes)
                held, self._held = self._held, []
                self._start(held)
                await self._keep_time()
        finally:  # what the cache still tells while the floors below go down waits for the next start
            self._tasks = None

    def _start(self, keys: Iterable[Key]) -> None:
        if self._tasks is None:
            self._held.extend(keys)
            return
        for key in keys:
            self._tasks.start_soon(self._work, key)
        self._depth.set(len(self._queue))

    async def _answer_echoes(self) -> None:
        while True:
            await self._echoed.wait()
            await self._quiet.settle()
            self._echoed = anyio.Event()
            keys, self._echoes = self._echoes, {}
            for key in keys:
                self._start(self._queue.add(key))

    async def _work(self, key: Key) -> None:
        await self._turns.take(urgent=not self._patient)
        began = self._clock.now()
        outcome = await self._reconcile(key)
        ended = self._clock.now()
        self._count(outcome.result)
        self._seconds.observe(ended - began)
        due_before = self._queue.next_wakeup()
        started = self._queue.done(key, ok=outcome.ok, after_s=outcome.after_s, now=ended)
        if outcome.gone:
            self._queue.forget(key)
        if self._queue.next_wakeup() != due_before:
            self._timer_moved.set()
        self._start(started)

    def _count(self, result: str) -> None:
        counter = self._results.get(result)
        if counter is None:
            counter = self._results[result] = RECONCILES.labels(self._name, result)
        counter.inc()

    async def _reconcile(self, key: Key) -> Outcome:
        try:
            outcome = await self._applier.reconcile(key)
        except (ApiError, Unreachable) as error:
            self._complain(key, str(error))
            return Outcome("refused", ok=False)
        except Exception:  # a bug, in a reconciler or here: back off, and show where
            log.exception("reconcile failed", kind=self.kind.resource, name=str(key))
            return Outcome("error", ok=False)
        self._complained.pop(key, None)
        return outcome

    def _complain(self, key: Key, error: str) -> None:
        """Once, until the key succeeds or fails in another way: it is tried again many times."""
        if self._complained.get(key) != error:
            self._complained[key] = error
            log.warning("reconcile failed", kind=self.kind.resource, name=str(key), error=error)

    async def _keep_time(self) -> None:
        """Start keys whose time has come. Sleeps until the next one, or until that changes."""
        while True:
            self._timer_moved = anyio.Event()
            at = self._queue.next_wakeup()
            if at is None:
                await self._timer_moved.wait()
                continue
            async with anyio.create_task_group() as race:
                race.start_soon(self._sleep_until, at, race.cancel_scope)
                await self._timer_moved.wait()
                race.cancel_scope.cancel()
            self._start(self._queue.due(self._clock.now()))

    async def _sleep_until(self, at: float, scope: anyio.CancelScope) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.now()))
        scope.cancel()


def _same_wish(old: Obj, new: Obj) -> bool:
    """Of two states' metadata. A status alone changes nothing but the version and who wrote it."""
    return {k: v for k, v in old.items() if k not in _OF_EACH_WRITE} == {
        k: v for k, v in new.items() if k not in _OF_EACH_WRITE
    }


def _owner_enqueuer(
    kind: AnyKind, enqueue: Callable[[Key], None]
) -> Callable[[Obj | None, Obj | None], None]:
    """A child changed: run its controller, if that is of `kind`."""

    def changed(old: Obj | None, new: Obj | None) -> None:
        for obj in (old, new):
            ref = controller_of(obj) if obj is not None else None
            if ref is not None and ref.get("kind") == kind.kind and _group(ref) == kind.group:
                enqueue(Key(key_of(obj or {}).namespace if kind.namespaced else "", ref["name"]))

    return changed


def _reader_enqueuer(
    reads: Reads, cache: Cache, enqueue: Callable[[Key], None]
) -> Callable[[Obj | None, Obj | None], None]:
    """Something that `desired` looks at changed: run the keys it concerns, and those it concerned."""

    def changed(old: Obj | None, new: Obj | None) -> None:
        concerned = {key for obj in (old, new) if obj is not None for key in reads.keys(obj, cache)}
        for key in sorted(concerned):
            enqueue(key)

    return changed


def _group(ref: Obj) -> str:
    group, slash, _ = str(ref.get("apiVersion", "")).rpartition("/")
    return group if slash else ""
