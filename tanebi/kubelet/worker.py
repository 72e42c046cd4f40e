"""Runs one pod: does what tanebi.kubelet.pods says, tells it what happened, and writes the pod's status.

One task a pod, and beneath it one a running container and one a probe. The first status is written as soon as the containers
are started, with the address, before anything is ready: whoever waits for the pod can then ask it directly. At most one status
write is under way; what happens meanwhile goes into the next one.

The end of a pod: it is marked terminating in the API, so EndpointSlices say so; its containers' preStop hooks run while the data
plane is asked to drain it; SIGTERM, to sidecars when what they stand beside has ended; what is left of the grace period; SIGKILL;
whatever it left behind; and only then is the object removed.

Caller: tanebi.kubelet.kubelet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import anyio
from anyio.abc import TaskGroup

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Container, EphemeralContainer, Pod, Probe
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, parse_time, rfc3339
from tanebi.api.standby import STANDBY_SINCE
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, Conflict, NotFound, Unreachable
from tanebi.kube.plan import Note
from tanebi.kube.recorder import Recorder
from tanebi.kubelet import environment
from tanebi.kubelet.admitting import Refusal, refusal
from tanebi.kubelet.drain import Drain
from tanebi.kubelet.ending import Ending
from tanebi.kubelet.eviction import EVICTED
from tanebi.kubelet.failures import failure_notes
from tanebi.kubelet.hooks import FAILED_POST_START, POST_START_MAX_S, Hooks
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import PodRuntime, Sandbox, SandboxFailed, SandboxGone
from tanebi.kubelet.pods import (
    CONFIG_ERROR,
    CRASH_LOOP,
    Action,
    Aspect,
    PodLife,
    Start,
    Stop,
)
from tanebi.kubelet.podsets import is_done
from tanebi.kubelet.ports import POD_IP, ports_condition
from tanebi.kubelet.probing import Prober
from tanebi.kubelet.races import cancel_when_ended, set_after
from tanebi.kubelet.removal import remove
from tanebi.kubelet.runtime import Exit, Running, StartFailed
from tanebi.kubelet.scheduling import host_ports
from tanebi.kubelet.shown import split, with_shown
from tanebi.kubelet.sleeper import Sleeper
from tanebi.kubelet.standby import is_frozen

COMPONENT: Final = "kubelet"
LOG_ERROR: Final = "CreateContainerError"
PREPARE_RETRY_S: Final = 10.0
WRITE_RETRY_S: Final = 0.2
WRITE_RETRY_MAX_S: Final = 5.0
DEFAULT_GRACE_S: Final = 30.0
KILL_WAIT_S: Final = 5.0  # how long the system may take to end a killed process

SANDBOX_CHANGED: Final = "Pod sandbox changed, it will be killed and re-created."

_log = get_logger("kubelet")


@dataclass(frozen=True, slots=True)
class Tools:
    """What every worker of one kubelet uses."""

    kube: Kube
    cache: Cache
    pods: PodRuntime
    logs: LogStore
    drain: Drain
    recorder: Recorder
    clock: Clock
    node: str
    stop_grace_s: float
    folder: Path
    host: str = POD_IP
    started: Callable[[Pod], None] = lambda pod: None


class PodWorker:
    """One pod. Give it news with `update`, `gone` and `retry`; it ends when the pod has ended."""

    def __init__(self, obj: Obj, pod: Pod, tools: Tools) -> None:
        self._obj = obj
        self._pod, self._shown = split(pod)
        self._tools = tools
        self._life = PodLife(self._pod)
        self._containers = {c.name: c for c in self._pod.every_container}
        self._running: dict[str, Running] = {}
        self._sandbox = Sandbox(POD_IP, {})
        self._news = anyio.Event()
        self._sleeper = Sleeper(
            tools.drain,
            running=self._running.values,
            addresses=lambda: [
                (self._sandbox.address, port) for port in self._sandbox.ports.values()
            ],
            changed=lambda: self._news.set(),
        )
        self._sleeper.want(is_frozen(pod))
        self._deleted = anyio.Event()  # marked for deletion, or gone
        self._gone = anyio.Event()
        self._ending = Ending(self, tools, running=self._running, gone=self._gone, say=self._tell)
        self._pending: list[Action] = []
        self._written: Obj | None = None
        self._cleaned = False
        self._stale = False  # its volumes show something that has changed
        self._later: list[Note] = []  # said once the status is written: nobody waits for them
        self.ended = False  # the pod has been run to its end
        self.reported = anyio.Event()  # the first status is written, or never will be

    @property
    def key(self) -> Key:
        return self._pod.metadata.key

    @property
    def pod(self) -> Pod:
        return self._pod

    @property
    def sandbox(self) -> Sandbox:
        """Where the pod is, once it is prepared."""
        return self._sandbox

    def running(self, container: str) -> Running | None:
        """None: it does not run now."""
        return self._running.get(container)

    # --- news ----------------------------------------------------------------------------------

    def update(self, obj: Obj) -> None:
        before, self._obj = self._obj, obj
        if self._sleeper.want(STANDBY_SINCE in (obj["metadata"].get("annotations") or {})):
            self._news.set()
        changed = _marks(before) != _marks(obj)
        if changed or before["spec"] != obj["spec"]:
            self._renew(obj)
        if obj["metadata"].get("deletionTimestamp"):
            self._deleted.set()
        elif changed and environment.shows_itself(self._pod):
            self.outdated()

    def _renew(self, obj: Obj) -> None:
        """Images, deadline, labels and annotations may change while it runs."""
        self._pod, self._shown = split(POD.view(obj))
        self._containers = {c.name: c for c in self._pod.every_container}
        self._life.expires_at = self._deadline()
        self._happened(self._life.changed(self._pod))

    def gone(self) -> None:
        """The object is gone: end at once."""
        self._gone.set()
        self._deleted.set()

    def retry(self, reasons: Sequence[str]) -> None:
        """What some containers wait for may be there now."""
        self._pending.extend(self._life.retry(reasons))
        self._news.set()

    def configured(self, kind: AnyKind, key: Key) -> None:
        """A ConfigMap or a Secret has changed: who waits for it may start, and who has its files gets them anew."""
        self.retry((CONFIG_ERROR,))
        if key.namespace == self.key.namespace:
            self._stale = self._stale or environment.uses(self._pod, kind.kind, key.name)

    def outdated(self) -> None:
        """Its files are to be written anew."""
        self._stale = True
        self._news.set()

    @property
    def finished(self) -> bool:
        return self._life.finished or self._deleted.is_set()

    def evict(self, message: str) -> None:
        """It ends at once and stays as failed; whoever owns it makes another."""
        self._say(EVICTED, message)
        self._life.refuse(EVICTED, message)
        self._tasks.start_soon(self._give_up, tuple(self._running.values()))
        self._news.set()

    async def _give_up(self, running: Sequence[Running]) -> None:
        """What it has on the disk goes with its containers."""
        for one in running:
            one.kill()
        for one in running:
            await one.wait()
        await self._tools.pods.clean(self._pod.metadata.uid)

    # --- life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the pod has been deleted. Cancelled: the containers are ended, the object stays."""
        try:
            await self._live()
        finally:
            with anyio.CancelScope(shield=True):
                await self._clean()

    async def _live(self) -> None:
        if self._pod.status.phase not in ("Succeeded", "Failed") and not self._pod.deleting:
            refused = refusal(self._pod, self._neighbours())
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._end_when_deleted, tasks)
                # Here, not as a task: nothing comes between the event and the start.
                await (self._work() if refused is None else self._refuse(refused))
        self.reported.set()
        if not self._pod.deleting:
            await self._deleted.wait()
        await self._clean()
        await remove(self._tools.kube, self._tools.clock, self._pod, self._gone)
        self.ended = True

    async def _end_when_deleted(self, tasks: TaskGroup) -> None:
        await self._deleted.wait()
        await self._end(self._grace_s(), drain=not self._gone.is_set())
        tasks.cancel_scope.cancel()

    async def _work(self) -> None:
        while not await self._prepare():
            self.reported.set()
            await self._tools.clock.sleep(PREPARE_RETRY_S)
        self._pending.extend(self._life.begin())
        while not self._deleted.is_set():
            self._news = anyio.Event()
            await self._act()
            await self._refresh()
            await self._sleeper.turn(self._tasks, settled=self._life.settled)
            if self._life.asleep and not self._sleeper.asleep:
                self._tools.started(self._pod)
            self._life.asleep = self._sleeper.asleep
            await self._report()
            self.reported.set()
            await self._wait()

    def _neighbours(self) -> list[Pod]:
        """The pods that are here; looked at only where one may be in another's way."""
        if not host_ports(self._pod.spec):
            return []
        return [
            pod
            for pod in self._tools.cache.list(POD, None)
            if pod.spec.node_name == self._tools.node
            and pod.metadata.uid != self._pod.metadata.uid
            and not is_done(pod)
        ]

    async def _refuse(self, why: Refusal) -> None:
        """It fails at once; then there is nothing to do until it is deleted."""
        self._say(why.reason, why.message)
        self._life.refuse(why.reason, f"Pod was rejected: {why.message}")
        await self._report()
        self.reported.set()
        await self._deleted.wait()

    async def _prepare(self) -> bool:
        try:
            self._tools.logs.opened(self._pod)
            self._sandbox = await self._tools.pods.prepare(self._pod)
        except SandboxFailed as error:
            self._say("FailedCreatePodSandBox", error.message)
            return False
        except OSError as error:
            self._say("FailedCreatePodSandBox", f"{error.filename}: {error.strerror}")
            return False
        stamp = rfc3339(self._tools.clock.wall())
        ports = self._sandbox.ports
        self._life.extra = {
            "hostIP": self._tools.host,
            "hostIPs": [{"ip": self._tools.host}],
            "podIP": self._sandbox.address,
            "podIPs": [{"ip": self._sandbox.address}],
            "startTime": self._pod.status.start_time or stamp,
            "conditions": [ports_condition(ports, stamp)] if ports else [],
        }
        self._life.expires_at = self._deadline()
        return True

    def _deadline(self) -> float | None:
        """When the pod's activeDeadlineSeconds are over, on the loop's clock."""
        limit, began = self._pod.spec.active_deadline_seconds, self._pod.status.start_time
        if limit is None:
            return None
        clock = self._tools.clock
        gone_s = (clock.wall() - parse_time(began)).total_seconds() if began else 0.0
        return clock.now() + limit - gone_s

    async def _act(self) -> None:
        while self._pending and not self._deleted.is_set():
            match self._pending.pop(0):
                case Start(name, attempt):
                    await self._start(name, attempt)
                case Stop(name, why, grace_s):
                    self._tasks.start_soon(
                        self._ending.one,
                        name,
                        self._grace_s() if grace_s is None else grace_s,
                        why,
                    )

    async def _refresh(self) -> None:
        if self._stale:
            self._stale = False
            try:
                await self._tools.pods.refresh(POD.view(self._obj), self._sandbox)
            except OSError as error:
                self._say("FailedMount", f"volumes not updated: {error}")

    async def _wait(self) -> None:
        """Until there is news, or a back-off is over."""
        clock = self._tools.clock
        due = self._life.next_due()
        if due is None:
            await self._news.wait()
            return
        async with anyio.create_task_group() as race:
            race.start_soon(set_after, clock, max(0.0, due - clock.now()), self._news)
            await self._news.wait()
            race.cancel_scope.cancel()
        self._pending.extend(self._life.due(clock.now()))

    # --- containers ----------------------------------------------------------------------------

    async def _start(self, name: str, attempt: int) -> None:
        container = self._containers[name]
        try:
            if isinstance(container, EphemeralContainer):
                self._tools.logs.opened(self._pod)  # which knows its name from now on
            started = await self._tools.pods.start(
                self._pod, container, attempt, self._sandbox, say=self._tell
            )
        except SandboxGone as gone:
            await self._move(gone.message)
            self._pending.append(Start(name, attempt))
            return
        except StartFailed as failed:
            self._life.start_failed(name, failed.code, failed.message, now=self._tools.clock.now())
            for note in failure_notes(container.image, failed.code, failed.message):
                self._tell(note)
            return
        except OSError as error:
            self._life.start_failed(name, LOG_ERROR, str(error), now=self._tools.clock.now())
            return
        self._tools.started(self._pod)
        for note in self._tools.pods.notes(container):
            self._tell(note)
        meta, clock = self._pod.metadata, self._tools.clock
        self._tools.logs.run_began(meta.namespace, meta.name, name, attempt)
        running = self._running[name] = started.running
        self._later += [
            Note("Normal", "Created", f"Created container: {name}"),
            Note("Normal", "Started", f"Started container {name}"),
        ]
        began, stamp = clock.now(), clock.wall()
        hooked = await self._started(container, running)
        self._life.started(name, id=running.id, image_id=started.image_id, now=began, stamp=stamp)
        self._tasks.start_soon(self._attend, name, attempt, running)
        if hooked:
            self._pending.extend(self._life.after_start(name))
        else:
            self._pending.append(Stop(name, FAILED_POST_START))

    async def _started(self, container: Container, running: Running) -> bool:
        """What it asks for first is done, unless it ends meanwhile. Nothing else of the pod starts before."""
        hooks = Hooks(self._pod, container, self._sandbox, self._tools)
        if hooks.after_start is None:
            return True
        failure = ""
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_when_ended, running, race)
            failure = await hooks.run(hooks.after_start, timeout_s=POST_START_MAX_S)
            race.cancel_scope.cancel()
        if failure:
            _log.warning("hook failed", ns=self.key.namespace, name=self.key.name, why=failure)
            self._say(FAILED_POST_START, "PostStartHook failed")
        return not failure

    async def _move(self, why: str) -> None:
        """Into a new place: what still runs in the old one is ended, and starts again here."""
        self._say("SandboxChanged", f"{SANDBOX_CHANGED} ({why})", type_="Normal")
        for running in tuple(self._running.values()):
            running.kill()
        while not self._deleted.is_set() and not await self._prepare():
            await self._tools.clock.sleep(PREPARE_RETRY_S)

    async def _attend(self, name: str, attempt: int, running: Running) -> None:
        """Probe the container while it runs, and say when it has ended."""
        async with anyio.create_task_group() as probing:
            probe = partial(self._probe, self._containers[name])
            probing.start_soon(self._sleeper.while_awake, probe)
            exit = await running.wait()
            self._running.pop(name, None)
            probing.cancel_scope.cancel()
        meta, clock = self._pod.metadata, self._tools.clock
        self._tools.logs.run_ended(meta.namespace, meta.name, name, attempt)
        words = self._last_words(name, attempt, exit)
        actions = self._life.exited(name, exit, words, now=clock.now(), stamp=clock.wall())
        waiting = self._life.waiting(name)
        if waiting is not None and waiting.reason == CRASH_LOOP:
            self._say("BackOff", waiting.message)
        self._happened(actions)

    async def _probe(self, container: Container, probing: TaskGroup) -> None:
        prober = Prober(self._pod, container, self._sandbox, self._tools)
        if container.startup_probe is not None and not self._life.has_started(container.name):
            async for ok, message in prober.verdicts("startup", container.startup_probe):
                self._judged(container.name, "startup", ok, message)
                if ok:
                    break
        for aspect, probe in (
            ("readiness", container.readiness_probe),
            ("liveness", container.liveness_probe),
        ):
            if probe is not None:
                probing.start_soon(self._watch_aspect, prober, container.name, aspect, probe)

    async def _watch_aspect(self, prober: Prober, name: str, aspect: Any, probe: Probe) -> None:
        async for ok, message in prober.verdicts(aspect, probe):
            self._judged(name, aspect, ok, message)

    def _judged(self, name: str, aspect: Aspect, ok: bool, message: str) -> None:
        if not ok:
            self._say("Unhealthy", f"{aspect.capitalize()} probe failed: {message}")
        self._happened(self._life.probed(name, aspect, ok, message))

    def _happened(self, actions: Sequence[Action]) -> None:
        self._pending.extend(actions)
        self._news.set()

    def _last_words(self, name: str, attempt: int, exit: Exit) -> str:
        if exit.message:
            return exit.message
        policy = self._containers[name].termination_message_policy
        if exit.code == 0 or policy != "FallbackToLogsOnError":
            return ""
        meta = self._pod.metadata
        return self._tools.logs.last_words(meta.namespace, meta.name, name, attempt)

    # --- the end -------------------------------------------------------------------------------

    async def _end(self, grace_s: float, *, drain: bool) -> None:
        """Drain, ask, and then insist."""
        self._life.stop()
        await self._sleeper.wake()  # a frozen container would not hear that it must end
        await self._ending.all(grace_s, drain=drain)

    def _grace_s(self) -> float:
        """What the deletion asks for, else what the pod says. A pod that is gone already gets no more than a moment."""
        if self._gone.is_set():
            return 0.0
        asked = self._obj["metadata"].get("deletionGracePeriodSeconds")
        own = self._pod.spec.termination_grace_period_seconds
        found = own if asked is None else asked
        return float(DEFAULT_GRACE_S if found is None else found)

    async def _clean(self) -> None:
        """End what still runs (bounded), and what ran away. Doing it twice does nothing."""
        if self._running:
            with anyio.move_on_after(self._tools.stop_grace_s + KILL_WAIT_S):
                await self._end(min(self._grace_s(), self._tools.stop_grace_s), drain=False)
        meta = self._pod.metadata
        if self._cleaned:
            return
        self._cleaned = True
        await self._tools.pods.clean(meta.uid)
        if self._deleted.is_set():
            self._tools.logs.closed(meta.namespace, meta.name)

    # --- telling -------------------------------------------------------------------------------

    async def _report(self) -> None:
        """Write the status if it changed. Tries again until it is written or the pod ends."""
        delay_s = WRITE_RETRY_S
        while not self._deleted.is_set():
            status = with_shown(self._life.status(self._tools.clock.wall()), self._shown)
            if status == self._written:
                return
            try:
                await self._write(status)
                break
            except NotFound:
                return  # its deletion is on the way to us
            except (ApiError, Unreachable) as error:
                meta = self._pod.metadata
                _log.warning(
                    "status not written", ns=meta.namespace, name=meta.name, why=str(error)
                )
            await self._tools.clock.sleep(delay_s)
            delay_s = min(2 * delay_s, WRITE_RETRY_MAX_S)
        while self._later:
            self._tell(self._later.pop(0))

    async def _write(self, status: Obj) -> None:
        """Unconditionally: nobody else writes a pod's status, and the uid keeps a successor of that name safe."""
        meta = {k: v for k, v in self._obj["metadata"].items() if k != "resourceVersion"}
        whole = {**self._obj, "metadata": meta, "status": status}
        try:
            written = await self._tools.kube.update_status(POD, whole)
        except (
            Conflict
        ) as error:  # another pod of this name: ours is gone, and its deletion is on the way to us
            raise NotFound(error.message) from error
        self._written = status
        self._tools.cache.observe(POD, written)

    def _tell(self, note: Note) -> None:
        self._tools.recorder.say(self._obj, note, component=COMPONENT)

    def _say(
        self, reason: str, message: str, type_: Literal["Normal", "Warning"] = "Warning"
    ) -> None:
        self._tools.recorder.say(self._obj, Note(type_, reason, message), component=COMPONENT)


def _marks(obj: Obj) -> tuple[Any, Any]:
    return obj["metadata"].get("labels"), obj["metadata"].get("annotations")
