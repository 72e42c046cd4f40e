"""Pods as containers of an engine: one sandbox container that holds the network and the name, and the others inside it.

Implements tanebi.kubelet.podruntime.PodRuntime. A pod has an address of its own on the platform's bridge network, so declared
ports are real ones. Everything made carries the platform's label; what carries it at the start was left by a killed run and is
removed. Made by tanebi.up; the engine is not touched before the first pod needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskGroup, TaskStatus

from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.plan import Note
from tanebi.kubelet import environment
from tanebi.kubelet.engine import pause, spec
from tanebi.kubelet.engine.connect import EngineDoor
from tanebi.kubelet.engine.container import EngineContainer
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.frames import BadFrame, Frames
from tanebi.kubelet.engine.images import EngineImage, EngineImages
from tanebi.kubelet.engine.volumes import Volumes
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.images import Missing
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import Sandbox, SandboxFailed, Started
from tanebi.kubelet.pods import CONFIG_ERROR, ERR_IMAGE
from tanebi.kubelet.ports import declared_ports
from tanebi.kubelet.runtime import ExecResult, Exit, StartFailed

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

NETWORK: Final = "tanebi"
EXEC_OUTPUT_MAX: Final = 10 * 1024
CREATE_ERROR: Final = "CreateContainerError"
RUN_ERROR: Final = "RunContainerError"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

_log = get_logger("engine")


class EnginePods:
    """Inert until `run`. `platform` names this platform among those that share the engine; `folder` is the data directory's
    `pods`; `sources(address)` tells where a pod with that address finds its values."""

    def __init__(
        self,
        door: EngineDoor,
        images: EngineImages,
        *,
        sources: Callable[[str], Sources],
        volumes: Volumes,
        logs: LogStore,
        clock: Clock,
        platform: str,
        folder: Path,
        limits: spec.Limits,
        machine: str,
    ) -> None:
        self._door = door
        self._images = images
        self._sources = sources
        self._volumes = volumes
        self._logs = logs
        self._clock = clock
        self._platform = platform
        self._folder = folder
        self._limits = limits
        self._arch = _ARCHITECTURES.get(machine, machine)
        self._place: spec.Place | None = None
        self._lock = anyio.Lock()
        self._sandboxes: dict[str, tuple[str, Sandbox]] = {}  # by pod uid: container id, place
        self._running: dict[tuple[str, str], EngineContainer] = {}  # by pod uid, container
        self._tasks: TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Pods are ended before that by who started them."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                self._images.serve(tasks)
                task_status.started()
                await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await self._door.close()

    async def connect(self) -> EngineClient:
        """Raises EngineGone."""
        return await self._door.client()

    async def prepare(self, pod: Pod) -> Sandbox:
        """Raises SandboxFailed."""
        uid = pod.metadata.uid
        known = self._sandboxes.get(uid)
        if known is not None:
            return known[1]
        try:
            client = await self._door.client()
            place = await self._place_of(client)
            name = self._name(uid)
            await client.remove(name)
            container = await client.create(name, spec.sandbox_body(pod, pause.TAG, place))
            await client.start(container)
            found = await client.inspect(container)
        except (EngineError, EngineGone) as error:
            raise SandboxFailed("sandbox-failed", error.message, hint=error.hint) from error
        address = str(found["NetworkSettings"]["Networks"][place.network]["IPAddress"])
        sandbox = Sandbox(address, {port: port for port in declared_ports(pod)})
        self._sandboxes[uid] = (container, sandbox)
        return sandbox

    async def start(
        self, pod: Pod, container: Container, attempt: int, sandbox: Sandbox
    ) -> Started:
        """Raises StartFailed."""
        try:
            image = await self._image(container)
            return await self._start(pod, container, attempt, sandbox, image)
        except ConfigError as error:
            raise StartFailed(CONFIG_ERROR, str(error)) from error
        except EngineError as error:
            raise StartFailed(_reason(error), _words(error)) from error
        except EngineGone as error:
            raise StartFailed(CREATE_ERROR, error.message) from error
        except OSError as error:
            raise StartFailed(CREATE_ERROR, f"{error.filename}: {error.strerror}") from error

    async def execute(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        *,
        timeout_s: float,
    ) -> ExecResult:
        running = self._running.get((pod.metadata.uid, container.name))
        if running is None:
            return ExecResult(None, f"container {container.name} is not running")
        try:
            with anyio.move_on_after(timeout_s):
                return await self._execute(running.container_id, command)
        except (EngineError, EngineGone, BadFrame) as error:
            return ExecResult(Exit(126), str(error))
        return ExecResult(None, f"command timed out after {timeout_s:g}s")

    def notes(self, container: Container) -> Sequence[Note]:
        return ()

    def remember(self, pod: Pod) -> None:
        """Nothing is kept: a pod gets a new address."""

    async def clean(self, pod_uid: str) -> None:
        if pod_uid not in self._sandboxes:
            return
        with anyio.CancelScope(shield=True):
            await self._remove({spec.POD_LABEL: pod_uid, spec.PLATFORM_LABEL: self._platform})
            self._sandboxes.pop(pod_uid, None)
            for key in [key for key in self._running if key[0] == pod_uid]:
                del self._running[key]
            await to_thread.run_sync(self._volumes.forget, pod_uid)

    async def clean_all(self) -> int:
        if not self._marker.exists():
            return 0  # nothing was ever made: the engine need not be started to know it
        left = await self._remove({spec.PLATFORM_LABEL: self._platform})
        self._marker.unlink(missing_ok=True)
        return left

    # --- how -----------------------------------------------------------------------------------

    @property
    def _marker(self) -> Path:
        """There as long as the engine may hold something of ours."""
        return self._folder.parent / "engine" / "used"

    def _name(self, *parts: str) -> str:
        """Of a container. Platforms on one engine never take each other's."""
        return "-".join(("tanebi", self._platform, *parts))

    async def _place_of(self, client: EngineClient) -> spec.Place:
        """The network and the sandbox image, made once."""
        async with self._lock:
            if self._place is not None:
                return self._place
            self._marker.parent.mkdir(parents=True, exist_ok=True)
            self._marker.touch()
            if await client.image(pause.TAG) is None:
                try:
                    await client.load(pause.archive(self._arch))
                except KeyError as error:
                    raise EngineError(501, f"no sandbox program for processor {error}") from error
            if await client.network(NETWORK) is None:
                await client.create_network(
                    {"Name": NETWORK, "Driver": "bridge", "CheckDuplicate": True}
                )
            parts = (await client.version()).get("Components") or ()
            podman = any("Podman" in part.get("Name", "") for part in parts)
            self._place = spec.Place(self._platform, NETWORK, self._limits, podman)
            return self._place

    async def _image(self, container: Container) -> EngineImage:
        found = await self._images.resolve(container.image, policy=container.image_pull_policy)
        if isinstance(found, Missing):
            raise StartFailed(ERR_IMAGE, found.message)
        return found

    async def _start(
        self, pod: Pod, container: Container, attempt: int, sandbox: Sandbox, image: EngineImage
    ) -> Started:
        _check_user(pod, container, image)
        client = await self._door.client()
        place = await self._place_of(client)
        uid, meta = pod.metadata.uid, pod.metadata
        sources = self._sources(sandbox.address)
        env = environment.variables(pod, container, sandbox.ports, sources)
        message = self._volumes.message_file(uid, container.name, attempt)
        mounts = [
            *self._volumes.mounts(pod, container, sources),
            spec.Mount(
                str(message), container.termination_message_path or "/dev/termination-log", False
            ),
        ]
        known: Mapping[str, str] = {**_pairs(image.env), **env}
        name = self._name(uid, container.name, str(attempt))
        body = spec.container_body(
            pod,
            container,
            image=image.id,
            command=[environment.expand(word, known) for word in container.command],
            args=[environment.expand(word, known) for word in container.args],
            env=env,
            mounts=mounts,
            sandbox=self._sandboxes[uid][0],
            place=place,
        )
        if attempt:
            await client.remove(self._name(uid, container.name, str(attempt - 1)))
        await client.remove(name)
        made = await client.create(name, body)
        log = self._logs.path(meta.namespace, meta.name, container.name, attempt)
        running = self._container(
            made, image, message, place, memory_limited="memory" in container.resources.limits
        )
        await client.start(made)
        running.supervise(log)
        self._running[uid, container.name] = running
        return Started(running, image.reference)

    def _container(
        self,
        made: str,
        image: EngineImage,
        message: Path,
        place: spec.Place,
        *,
        memory_limited: bool,
    ) -> EngineContainer:
        assert self._tasks is not None, "pods start while `run` runs"
        return EngineContainer(
            made,
            scheme="podman" if place.podman else "docker",
            connect=self._door.client,
            clock=self._clock,
            tasks=self._tasks,
            stop_signal=image.stop_signal,
            message_file=message,
            memory_limited=memory_limited,
        )

    async def _execute(self, container: str, command: Sequence[str]) -> ExecResult:
        client = await self._door.client()
        body: Obj = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        exec_id = await client.exec_create(container, body)
        output = bytearray()
        async with client.exec_start(exec_id) as chunks:
            frames = Frames()
            async for chunk in chunks:
                for _, piece in frames.feed(chunk):
                    output += piece[: EXEC_OUTPUT_MAX - len(output)]
        code = int((await client.exec_inspect(exec_id)).get("ExitCode") or 0)
        return ExecResult(Exit(code), output.decode("utf-8", "replace"))

    async def _remove(self, labels: Mapping[str, str]) -> int:
        """Everything with these labels, the sandboxes last. What the engine does not remove is found at the next start."""
        try:
            client = await self._door.client()
            found = await client.containers(**labels)
        except (EngineError, EngineGone) as error:
            _log.warning("containers not removed", why=error.message)
            return 0
        for one in sorted(found, key=lambda one: not one["Labels"].get(spec.CONTAINER_LABEL)):
            try:
                await client.remove(one["Id"])
            except (EngineError, EngineGone) as error:
                _log.warning("container not removed", container=one["Id"], why=error.message)
        return len(found)


def _check_user(pod: Pod, container: Container, image: EngineImage) -> None:
    """Kubernetes' verifyRunAsNonRoot. Raises ConfigError with its words."""
    if not spec.must_not_be_root(pod, container):
        return
    match spec.runs_as_root(pod, container, image.user):
        case True:
            raise ConfigError("container has runAsNonRoot and image will run as root")
        case None:
            raise ConfigError(
                f"container has runAsNonRoot and image has non-numeric user ({image.user}), "
                "cannot verify user is non-root"
            )
        case False:
            return


def _pairs(env: Sequence[str]) -> dict[str, str]:
    return dict(one.partition("=")[::2] for one in env)


def _reason(error: EngineError) -> str:
    """A command that cannot be run is the container's fault, anything else the creation's."""
    return (
        RUN_ERROR
        if "exec:" in error.message or "executable file" in error.message
        else CREATE_ERROR
    )


def _words(error: EngineError) -> str:
    """The engine's words without the layers that only passed them on."""
    _, found, rest = error.message.partition("exec: ")
    return (
        f"exec: {rest}".removesuffix(
            ": OCI runtime attempted to invoke a command that was not found"
        )
        if found
        else error.message
    )
