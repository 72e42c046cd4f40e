"""The life of one pod, without running anything.

Facts go in (a container started, could not start, ended, answered its probe), and each method returns what to do now: start a
container, or stop one. `status()` is the pod's status as Kubernetes would write it. Times: `now` is monotonic and governs
back-offs, `stamp` is civil and goes into the status.

Rules (k8s.io/kubernetes pkg/kubelet): init containers run one after the other, then all others start at once; those with
restartPolicy Always (sidecars) run on beside what follows them, and end with it. A container that
ended is started again by the pod's restartPolicy; the first time at once, then after 10 s, doubled each time up to 300 s, and
from the beginning again when it ran for 600 s. What could not even start waits the same way. Readiness without a probe is
running; a startup probe holds the other two back.

Not here: processes, probes themselves, ports, the API. Caller: tanebi.kubelet.worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj, rfc3339
from tanebi.kubelet.runtime import Exit

BACKOFF_FIRST_S: Final = 10.0
BACKOFF_MAX_S: Final = 300.0
BACKOFF_FORGET_S: Final = 600.0

CRASH_LOOP: Final = "CrashLoopBackOff"
CREATING: Final = "ContainerCreating"
INITIALIZING: Final = "PodInitializing"
ERR_IMAGE: Final = "ErrImagePull"
IMAGE_BACKOFF: Final = "ImagePullBackOff"
NEVER_PULL: Final = "ErrImageNeverPull"
INVALID_IMAGE: Final = "InvalidImageName"
IMAGE_REASONS: Final = (ERR_IMAGE, IMAGE_BACKOFF, NEVER_PULL)
"""Of what waits for an image."""
CONFIG_ERROR: Final = "CreateContainerConfigError"
DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
TOO_LONG: Final = "Pod was active on the node longer than the specified deadline"
STANDING_BY: Final = "Standby"
ASLEEP: Final = "frozen until a request comes"

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]
Aspect = Literal["startup", "readiness", "liveness"]


@dataclass(frozen=True, slots=True)
class Start:
    """Run this container; `attempt` counts its runs from 0."""

    container: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End this container because `why`; whether it starts again is decided when it has ended.

    `grace_s` is what it gets to end; None: what the pod says."""

    container: str
    why: str
    grace_s: float | None = None


Action = Start | Stop


@dataclass(frozen=True, slots=True)
class Waiting:
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    id: str
    started: datetime
    since: float


@dataclass(frozen=True, slots=True)
class Ended:
    id: str
    exit: Exit
    message: str
    started: datetime
    finished: datetime

    @property
    def reason(self) -> str:
        return self.exit.reason or ("Completed" if self.exit.code == 0 else "Error")


@dataclass(slots=True)
class _Box:
    """One container's place in the pod."""

    spec: Container
    init: bool
    attempt: int
    state: Waiting | Live | Ended
    last: Ended | None = None
    image_id: str = ""
    started: bool = False
    ready: bool = False
    backoff_s: float = 0.0
    retry_at: float | None = None
    asked: bool = False  # a Start was given out and has not been answered
    ephemeral: bool = False  # it was added later, and counts for nothing
    changed: bool = False  # it is ended to run what is asked for now

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def sidecar(self) -> bool:
        """An init container that goes on running beside those after it."""
        return self.init and self.spec.restart_policy == "Always"

    @property
    def passed(self) -> bool:
        """Of an init container: what comes after it may start."""
        return self.started or self.last is not None if self.sidecar else _completed(self)

    @property
    def restarts(self) -> int:
        """One that waits to be started again has not been yet."""
        waits = isinstance(self.state, Waiting) and self.last is not None
        return self.attempt - 1 if waits else self.attempt

    def delay(self) -> float:
        """How long to wait this time; the next time longer."""
        waited, self.backoff_s = (
            self.backoff_s,
            min(max(BACKOFF_FIRST_S, 2 * self.backoff_s), BACKOFF_MAX_S),
        )
        return waited


@dataclass(slots=True)
class PodLife:
    """The machine. `extra` is written into the status as it is (addresses)."""

    pod: Pod
    extra: Obj = field(default_factory=dict)
    _boxes: dict[str, _Box] = field(default_factory=dict)
    _since: dict[str, tuple[str, str]] = field(default_factory=dict)  # condition: status, time
    asleep: bool = False  # frozen: it stands by and counts as none (tanebi.kubelet.sleeper)
    expires_at: float | None = None  # activeDeadlineSeconds, on the clock of `now`
    _ended_for: tuple[str, str] | None = None  # why the whole pod failed: reason, message
    _stopping: bool = False

    def __post_init__(self) -> None:
        spec, status = self.pod.spec, self.pod.status
        runs = {
            s.name: s.restart_count + 1
            for s in (*status.init_container_statuses, *status.container_statuses)
            if s.container_id
        }
        for init, containers in ((True, spec.init_containers), (False, spec.containers)):
            for container in containers:
                waiting = Waiting(INITIALIZING if spec.init_containers else CREATING)
                attempt = runs.get(container.name, 0)
                self._boxes[container.name] = _Box(container, init, attempt, waiting)
        for added in spec.ephemeral_containers:
            self._boxes[added.name] = _Box(added, False, 0, Waiting(CREATING), ephemeral=True)
        for known in status.conditions:
            self._since[known.type] = (known.status, known.last_transition_time or "")

    # --- facts ---------------------------------------------------------------------------------

    def begin(self) -> list[Action]:
        """The pod is ours to run."""
        return self._next()

    def started(self, name: str, *, id: str, image_id: str, now: float, stamp: datetime) -> None:
        box = self._boxes[name]
        box.state = Live(id, stamp, now)
        box.image_id, box.asked = image_id, False
        box.started = box.spec.startup_probe is None
        box.ready = box.started and box.spec.readiness_probe is None

    def after_start(self, name: str) -> list[Action]:
        """What waited for this container to run."""
        box = self._boxes[name]
        return self._next() if box.sidecar and box.started else []

    def start_failed(self, name: str, reason: str, message: str, *, now: float) -> None:
        """It could not be started: wait, then try again."""
        box = self._boxes[name]
        again = isinstance(box.state, Waiting) and box.state.reason in (ERR_IMAGE, IMAGE_BACKOFF)
        if reason == ERR_IMAGE and again:
            message = f'Back-off pulling image "{box.spec.image}": {ERR_IMAGE}: {message}'
            reason = IMAGE_BACKOFF
        box.state, box.asked = Waiting(reason, message), False
        box.backoff_s = max(box.backoff_s, BACKOFF_FIRST_S)
        box.retry_at = now + box.delay()

    def exited(
        self, name: str, exit: Exit, message: str, *, now: float, stamp: datetime
    ) -> list[Action]:
        """It ran and has ended."""
        box = self._boxes[name]
        assert isinstance(box.state, Live), f"ended without running: {name}"
        ran_s = now - box.state.since
        ended = Ended(box.state.id, exit, message, box.state.started, stamp)
        box.state, box.ready, box.started = ended, False, False
        if self._stopping or not self._restarts(box, exit):
            return [] if box.ephemeral else [*self._next(), *self._release()]
        if ran_s >= BACKOFF_FORGET_S or box.changed:
            box.backoff_s = 0.0
        box.changed = False
        delay_s = box.delay()
        box.attempt += 1
        box.last = ended
        if delay_s == 0:
            return [self._start(box)]
        meta = self.pod.metadata
        box.state = Waiting(
            CRASH_LOOP,
            f"back-off {delay_s:g}s restarting failed container={name} "
            f"pod={meta.name}_{meta.namespace}({meta.uid})",
        )
        box.retry_at = now + delay_s
        return []

    def due(self, now: float) -> list[Action]:
        """Back-offs up to `now` are over, or the pod's time is."""
        if self.expires_at is not None and self.expires_at <= now and not self.finished:
            return self._expire()
        boxes = [b for b in self._boxes.values() if b.retry_at is not None and b.retry_at <= now]
        return [self._start(box) for box in boxes if not self._stopping]

    def changed(self, pod: Pod) -> list[Action]:
        """The pod's wishes are other ones: a container whose image changed is run anew, whatever the restart policy."""
        self.pod = pod
        found: list[Action] = []
        for added in pod.spec.ephemeral_containers:
            if added.name not in self._boxes and not self._stopping:
                new = _Box(added, False, 0, Waiting(CREATING), ephemeral=True)
                self._boxes[added.name] = new
                found.append(self._start(new))
        for container in pod.spec.original_containers:
            box = self._boxes.get(container.name)
            if box is None:
                continue
            if box.spec.image != container.image and isinstance(box.state, Live):
                box.changed = True
                why = f"Container {box.name} definition changed, will be restarted"
                found.append(Stop(box.name, why))
            box.spec = container
        return found

    def retry(self, reasons: Iterable[str]) -> list[Action]:
        """What containers wait for with one of `reasons` may have changed: try now."""
        wanted = tuple(reasons)
        return [
            self._start(box)
            for box in self._boxes.values()
            if box.retry_at is not None
            and isinstance(box.state, Waiting)
            and box.state.reason in wanted
            and not self._stopping
        ]

    def probed(self, name: str, aspect: Aspect, ok: bool, message: str) -> list[Action]:
        """A probe reached its threshold, up or down."""
        box = self._boxes[name]
        if not isinstance(box.state, Live):
            return []
        match aspect:
            case "readiness":
                box.ready = ok and box.started
            case "startup" if ok:
                box.started = True
                box.ready = box.spec.readiness_probe is None
                return self._next()
            case _ if not ok:
                why = f"Container {name} failed {aspect} probe, will be restarted"
                return [Stop(name, why, _grace_of(box.spec, aspect))]
        return []

    def stop(self) -> None:
        """The pod ends: nothing starts any more."""
        self._stopping = True
        for box in self._boxes.values():
            box.retry_at = None

    def refuse(self, reason: str, message: str) -> None:
        """It is not run at all."""
        self.stop()
        self._ended_for = (reason, message)

    def next_due(self) -> float | None:
        """When to call `due`. None: no back-off runs, and there is no deadline."""
        times = [b.retry_at for b in self._boxes.values() if b.retry_at is not None]
        if self.expires_at is not None and not self.finished:
            times.append(self.expires_at)
        return min(times, default=None)

    # --- what is true --------------------------------------------------------------------------

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(b.name for b in self._boxes.values() if isinstance(b.state, Live))

    def has_started(self, name: str) -> bool:
        """It runs, and its startup probe, if it has one, has succeeded."""
        return self._boxes[name].started

    def waiting(self, name: str) -> Waiting | None:
        state = self._boxes[name].state
        return state if isinstance(state, Waiting) else None

    @property
    def phase(self) -> Phase:
        """pkg/kubelet getPhase."""
        if self._ended_for:
            return "Failed"
        inits, mains = self._regular_inits(), self._of(init=False)
        policy = self.pod.spec.restart_policy
        if any(_failed(b) for b in inits) and policy == "Never":
            return "Failed"
        if not all(_completed(b) for b in inits):
            return "Pending"
        if any(isinstance(b.state, Waiting) and b.last is None for b in mains):
            return "Pending"
        if any(isinstance(b.state, Live) for b in mains) or policy in ("", "Always"):
            return "Running"
        if all(_completed(b) for b in mains):
            return "Succeeded"
        done = all(isinstance(b.state, Ended) for b in mains)
        return "Failed" if done and (policy == "Never" or self._stopping) else "Running"

    @property
    def settled(self) -> bool:
        """Every container that should run runs and is ready."""
        return all(b.ready for b in self._serving())

    @property
    def finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    def status(self, stamp: datetime) -> Obj:
        """The whole status to write."""
        found: Obj = {
            "phase": self.phase,
            "conditions": self._conditions(stamp),
            "containerStatuses": [_container_status(b) for b in self._of(init=False)],
            "startTime": self.pod.status.start_time,
            "qosClass": self.pod.status.qos_class or "BestEffort",
            "observedGeneration": self.pod.metadata.generation,
        }
        if inits := self._of(init=True):
            found["initContainerStatuses"] = [_container_status(b) for b in inits]
        if added := [b for b in self._boxes.values() if b.ephemeral]:
            found["ephemeralContainerStatuses"] = [
                {k: v for k, v in _container_status(b).items() if k != "started"} | {"ready": False}
                for b in added
            ]
        if self._ended_for:
            found |= dict(zip(("reason", "message"), self._ended_for, strict=True))
        if self.asleep:
            found |= {"reason": STANDING_BY, "message": ASLEEP}
            for one in found["containerStatuses"]:
                one["ready"] = False
        extra = dict(self.extra)
        found["conditions"] += extra.pop("conditions", [])
        return {k: v for k, v in found.items() if v is not None} | extra

    def _conditions(self, stamp: datetime) -> list[Obj]:
        inits = self._of(init=True)
        unready = [b.name for b in self._serving() if not b.ready or self.asleep]
        not_ready = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
        if self.asleep:
            not_ready = (STANDING_BY, ASLEEP)
        if self.finished:
            not_ready = ("PodCompleted" if self.phase == "Succeeded" else "PodFailed", "")
        incomplete = [b.name for b in inits if not b.passed]
        not_init = (
            "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(incomplete)}]",
        )
        wanted = (
            ("Initialized", not incomplete, not_init),
            ("Ready", not unready, not_ready),
            ("ContainersReady", not unready, not_ready),
            ("PodScheduled", True, ("", "")),
        )
        return [self._condition(name, ok, why, stamp) for name, ok, why in wanted]

    def _condition(self, name: str, ok: bool, why: tuple[str, str], stamp: datetime) -> Obj:
        status = "True" if ok else "False"
        before = self._since.get(name)
        since = before[1] if before and before[0] == status and before[1] else rfc3339(stamp)
        self._since[name] = (status, since)
        found: Obj = {"type": name, "status": status, "lastTransitionTime": since}
        if not ok:
            found |= {k: v for k, v in zip(("reason", "message"), why, strict=True) if v}
        return found

    # --- inside --------------------------------------------------------------------------------

    def _of(self, *, init: bool) -> Sequence[_Box]:
        return [b for b in self._boxes.values() if b.init == init and not b.ephemeral]

    def _regular_inits(self) -> Sequence[_Box]:
        return [b for b in self._of(init=True) if not b.sidecar]

    def _serving(self) -> Sequence[_Box]:
        """Those that must be ready for the pod to be."""
        return [b for b in self._boxes.values() if b.sidecar or not (b.init or b.ephemeral)]

    def _release(self) -> list[Action]:
        """Sidecars end when what they stand beside has ended."""
        sidecars = [b for b in self._of(init=True) if b.sidecar]
        if not sidecars or self._stopping or not self.finished:
            return []
        self.stop()
        return [
            Stop(b.name, f"Stopping container {b.name}")
            for b in sidecars
            if isinstance(b.state, Live)
        ]

    def _expire(self) -> list[Action]:
        self.stop()
        self._ended_for = (DEADLINE_EXCEEDED, TOO_LONG)
        return [Stop(name, TOO_LONG) for name in self.running]

    def _next(self) -> list[Action]:
        """What has never been started and may start now."""
        if self._stopping:
            return []
        for box in self._of(init=True):
            if not box.passed:
                return [self._start(box)] if _untouched(box) else []
        mains = [b for b in self._boxes.values() if not b.init]
        return [self._start(b) for b in mains if _untouched(b)]

    def _start(self, box: _Box) -> Start:
        if _untouched(box):
            box.state = Waiting(CREATING)
        box.retry_at, box.asked = None, True
        return Start(box.name, box.attempt)

    def _restarts(self, box: _Box, exit: Exit) -> bool:
        policy = self.pod.spec.restart_policy
        if box.ephemeral:
            return False
        if box.changed:
            return True
        if box.sidecar:
            return not self.finished
        if box.init:
            return exit.code != 0 and policy != "Never"
        return policy in ("", "Always") or (policy == "OnFailure" and exit.code != 0)


def _grace_of(container: Container, aspect: Aspect) -> float | None:
    probe = container.startup_probe if aspect == "startup" else container.liveness_probe
    own = probe.termination_grace_period_seconds if probe else None
    return None if own is None else float(own)


def _untouched(box: _Box) -> bool:
    return (
        isinstance(box.state, Waiting)
        and box.state.reason in (CREATING, INITIALIZING)
        and box.retry_at is None
        and not box.asked
    )


def _completed(box: _Box) -> bool:
    return isinstance(box.state, Ended) and box.state.exit.code == 0


def _failed(box: _Box) -> bool:
    return isinstance(box.state, Ended) and box.state.exit.code != 0


def _container_status(box: _Box) -> Obj:
    found: Obj = {
        "name": box.name,
        "image": box.spec.image,
        "imageID": box.image_id,
        "state": _state(box.state),
        "lastState": _state(box.last) if box.last else {},
        "ready": box.ready or (box.init and _completed(box)),
        "started": box.started,
        "restartCount": box.restarts,
    }
    known = box.last if isinstance(box.state, Waiting) else box.state
    if isinstance(known, Live | Ended):
        found["containerID"] = known.id
    return found


def _state(state: Waiting | Live | Ended) -> Obj:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        case Live(started=started):
            return {"running": {"startedAt": rfc3339(started)}}
        case Ended():
            return {
                "terminated": {
                    "exitCode": state.exit.code,
                    "reason": state.reason,
                    "startedAt": rfc3339(state.started),
                    "finishedAt": rfc3339(state.finished),
                    "containerID": state.id,
                }
                | ({"message": state.message} if state.message else {})
            }
