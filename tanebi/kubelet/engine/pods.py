"""Pods as containers of an engine: one sandbox container that holds the network and the name, and the others inside it.

Implements tanebi.kubelet.podruntime.PodRuntime. A pod has an address of its own on the platform's bridge network, so declared
ports are real ones. Everything made carries the platform's label; what carries it at the start was left by a killed run and is
removed. Made by tanebi.up; the engine is not touched before the first pod needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskGroup, TaskStatus

from tanebi.api.core.pod import Container, EphemeralContainer, Pod
from tanebi.api.meta import Obj
from tanebi.api.podstreams import Session, Wish
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.plan import Note
from tanebi.kubelet import environment
from tanebi.kubelet.engine import pulling, spec
from tanebi.kubelet.engine.connect import EngineDoor
from tanebi.kubelet.engine.container import EngineContainer
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.frames import BadFrame, Frames
from tanebi.kubelet.engine.healing import heal
from tanebi.kubelet.engine.images import EngineImage, EngineImages
from tanebi.kubelet.engine.places import Enclosed, Holder, Places
from tanebi.kubelet.engine.registryauth import login_for
from tanebi.kubelet.engine.session import execute
from tanebi.kubelet.engine.volumes import Volumes
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.images import Missing
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podnet import PodNetwork
from tanebi.kubelet.podruntime import Sandbox, SandboxFailed, SandboxGone, Say, Started, silent
from tanebi.kubelet.pods import CONFIG_ERROR
from tanebi.kubelet.ports import declared_ports
from tanebi.kubelet.runtime import ExecResult, Exit, StartFailed
from tanebi.kubelet.sources import API
from tanebi.kubelet.tokens import PodTokens

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

REMOVED_AT_ONCE: Final = 8  # the engine takes a bridge, a file system and a monitor down for each
END_S: Final = (
    60.0  # what the engine may take for all that is to be removed; the next start finds the rest
)
EXEC_OUTPUT_MAX: Final = 10 * 1024
CREATE_ERROR: Final = "CreateContainerError"
RUN_ERROR: Final = "RunContainerError"
NOT_FOUND: Final = 404

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
        network: PodNetwork | None = None,
        enclosed: Enclosed | None = None,
        tokens: PodTokens | None = None,
    ) -> None:
        self._door = door
        self._images = images
        self._sources = sources
        self._volumes = volumes
        self._logs = logs
        self._clock = clock
        self._platform = platform
        self._folder = folder
        self._tokens = tokens
        self._api: Mapping[str, str] = API if network is not None or enclosed is not None else {}
        self._places = Places(
            door,
            network=network,
            enclosed=enclosed,
            clock=clock,
            platform=platform,
            limits=limits,
            machine=machine,
            name=self._name,
            used=self._mark,
        )
        self._sandboxes: dict[str, tuple[Holder, Sandbox]] = {}  # by pod uid
        self._running: dict[tuple[str, str], EngineContainer] = {}  # by pod uid, container
        self._left: list[
            str
        ] = []  # containers that are still to be removed, as those of an earlier run; sandboxes first
        self._removals = anyio.CapacityLimiter(REMOVED_AT_ONCE)
        self._tasks: TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Pods are ended before that by who started them."""
        await self._door.end_left()
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                self._images.serve(tasks)
                tasks.start_soon(self._places.refill)
                self._images.subscribe(self._warm)
                task_status.started()
                await anyio.sleep_forever()
        finally:
            with anyio.move_on_after(END_S, shield=True) as scope:
                await self._remove_left()
                await self._places.close()
                known = await self._remove_unknown()
                if self._places.in_use:
                    await self._places.remove_network()
                if known and not self._sandboxes and not self._left:
                    self._marker.unlink(missing_ok=True)
            if scope.cancelled_caught:
                _log.warning("containers are left for the next start", after_s=END_S)
            await self._door.close()

    def _warm(self) -> None:
        """A revision's image is here: its first pod should find a place."""
        if self._images.has_found:
            self._places.wake()

    async def connect(self) -> EngineClient:
        """Raises EngineGone."""
        return await self._door.client()

    @property
    def images(self) -> EngineImages:
        return self._images

    @property
    def waiting(self) -> int:
        """How many places wait for a pod."""
        return self._places.waiting

    async def prepare(self, pod: Pod) -> Sandbox:
        """Raises SandboxFailed."""
        uid = pod.metadata.uid
        known = self._sandboxes.get(uid)
        if known is not None:
            return known[1]
        try:
            holder = await self._places.take(pod)
        except (EngineError, EngineGone) as error:
            raise SandboxFailed("sandbox-failed", error.message, hint=error.hint) from error
        sandbox = Sandbox(holder.address, {port: port for port in declared_ports(pod)})
        self._sandboxes[uid] = (holder, sandbox)
        return sandbox

    async def start(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        sandbox: Sandbox,
        *,
        say: Say = silent,
    ) -> Started:
        """Raises StartFailed, SandboxGone."""
        try:
            image = await self._image(pod, container, say)
            return await self._start(pod, container, attempt, sandbox, image)
        except ConfigError as error:
            raise StartFailed(CONFIG_ERROR, str(error)) from error
        except EngineError as error:
            await self._heal()
            await self._check_place(pod.metadata.uid)
            self._images.forget(container.image)  # that may be why
            raise StartFailed(_reason(error), _words(error)) from error
        except EngineGone as error:
            await self._heal()
            raise StartFailed(CREATE_ERROR, error.message) from error
        except OSError as error:
            raise StartFailed(CREATE_ERROR, f"{error.filename}: {error.strerror}") from error

    async def refresh(self, pod: Pod, sandbox: Sandbox) -> None:
        try:
            sources = await self._sources_of(pod, sandbox)
        except ConfigError:
            return  # as it was
        await to_thread.run_sync(self._volumes.update, pod, sources)

    async def _sources_of(self, pod: Pod, sandbox: Sandbox) -> Sources:
        """Raises ConfigError."""
        sources = self._sources(sandbox.address)
        if self._tokens is None:
            return sources
        return replace(sources, tokens=await self._tokens.projected(pod))

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

    async def session(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        wish: Wish,
    ) -> Session:
        """Raises StartFailed."""
        running = self._running.get((pod.metadata.uid, container.name))
        if running is None:
            raise StartFailed(RUN_ERROR, f"container {container.name} is not running")
        try:
            return await execute(await self._door.client(), running.container_id, command, wish)
        except (EngineError, EngineGone) as error:
            words = _words(error) if isinstance(error, EngineError) else error.message
            raise StartFailed(RUN_ERROR, words) from error

    async def written(self, pod: Pod) -> Mapping[str, int]:
        labels = {spec.POD_LABEL: pod.metadata.uid, spec.PLATFORM_LABEL: self._platform}
        try:
            found = await (await self._door.client()).containers(sizes=True, labels=labels)
        except (EngineError, EngineGone) as error:
            _log.info("sizes of containers not known", why=error.message)
            return {}
        return {
            str(one["Labels"][spec.CONTAINER_LABEL]): int(one.get("SizeRw") or 0)
            for one in found
            if one["Labels"].get(spec.CONTAINER_LABEL)
        }

    def notes(self, container: Container) -> Sequence[Note]:
        return ()

    def remember(self, pod: Pod) -> None:
        """Nothing is kept: a pod gets a new address."""

    async def clean(self, pod_uid: str) -> None:
        if pod_uid not in self._sandboxes:
            return
        holder, _ = self._sandboxes.pop(pod_uid)
        with anyio.move_on_after(END_S, shield=True) as scope:
            await self._remove_one(holder.container)
            if not self._places.by_podman:  # which removes what is in a place with it
                labels = {spec.POD_LABEL: pod_uid, spec.PLATFORM_LABEL: self._platform}
                await self._remove(await self._labelled(labels) or ())
        if scope.cancelled_caught:
            _log.warning("pod left for the end", container=holder.container, after_s=END_S)
            self._left.append(holder.container)
        self._places.release(pod_uid)
        for key in [key for key in self._running if key[0] == pod_uid]:
            del self._running[key]
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._volumes.forget, pod_uid)

    async def clean_all(self) -> int:
        if not self._marker.exists():
            return 0  # nothing was ever made: the engine need not be started to know it
        self._places.forget()
        known = set(self._left)
        fresh = [
            one
            for one in await self._labelled({spec.PLATFORM_LABEL: self._platform}) or ()
            if one not in known
        ]
        self._left += fresh
        await to_thread.run_sync(self._volumes.forget_all)
        if self._tasks is not None and not known:
            self._tasks.start_soon(self._remove_left)  # a start need not wait for it
        return len(fresh)

    # --- how -----------------------------------------------------------------------------------

    @property
    def _marker(self) -> Path:
        """There as long as the engine may hold something of ours."""
        return self._folder.parent / "engine" / "used"

    def _mark(self) -> None:
        self._marker.parent.mkdir(parents=True, exist_ok=True)
        self._marker.touch()

    def _name(self, *parts: str) -> str:
        """Of a container. Platforms on one engine never take each other's."""
        return "-".join(("tanebi", self._platform, *parts))

    async def _image(self, pod: Pod, container: Container, say: Say) -> EngineImage:
        secret, ns = self._sources("").secret, pod.metadata.namespace
        named = {ref.name: secret(ns, ref.name) for ref in pod.spec.image_pull_secrets}
        if gone := [name for name, one in named.items() if one is None]:
            say(pulling.without_secrets(gone))
        login = login_for(container.image, [one for one in named.values() if one is not None])
        found = await self._images.resolve(
            container.image,
            policy=container.image_pull_policy,
            auth=login.header() if login else "",
            say=say,
        )
        if isinstance(found, Missing):
            raise StartFailed(found.reason, found.message)
        return found

    async def _start(
        self, pod: Pod, container: Container, attempt: int, sandbox: Sandbox, image: EngineImage
    ) -> Started:
        _check_user(pod, container, image)
        client = await self._door.client()
        place = await self._places.common(client)
        uid, meta = pod.metadata.uid, pod.metadata
        sources = await self._sources_of(pod, sandbox)
        env = {**self._api, **environment.variables(pod, container, sandbox.ports, sources)}
        message = self._volumes.message_file(uid, container.name, attempt)
        mounts = [
            *self._volumes.mounts(pod, container, sources, env),
            spec.Mount(
                str(message), container.termination_message_path or "/dev/termination-log", False
            ),
        ]
        known: Mapping[str, str] = {**_pairs(image.env), **env}
        name = self._name(uid, container.name, str(attempt))
        holder, _ = self._sandboxes[uid]
        body = spec.container_body(
            pod,
            container,
            image=image.id,
            command=[environment.expand(word, known) for word in container.command],
            args=[environment.expand(word, known) for word in container.args],
            env=env,
            mounts=mounts,
            sandbox=holder.container,
            uts=holder.uts,
            place=place,
            target=self._target(uid, container),
        )
        with anyio.CancelScope(
            shield=True
        ):  # what is made must be known, or it outlives its sandbox
            made = await client.create_anew(name, body)
        log = self._logs.path(meta.namespace, meta.name, container.name, attempt)
        running = self._container(
            made,
            image,
            message,
            place,
            memory_limited="memory" in container.resources.limits,
            tty=bool(container.tty),
        )
        await client.start(made)
        running.supervise(log)
        if attempt and self._tasks is not None:
            before = self._name(uid, container.name, str(attempt - 1))
            self._tasks.start_soon(self._remove_one, before)  # nobody waits for it
        self._running[uid, container.name] = running
        return Started(running, image.reference)

    async def _heal(self) -> None:
        """A container that could not be made is made again by who asked; what may have been in its way is removed."""
        try:
            await heal(await self._door.client(), self._clock)
        except (EngineError, EngineGone) as error:
            _log.info("not known what is half removed", why=error.message)

    async def _check_place(self, uid: str) -> None:
        """Raises SandboxGone when the pod's place has ended: an engine that was stopped ends it too."""
        holder, _ = self._sandboxes[uid]
        try:
            found = await (await self._door.client()).inspect(holder.container)
            if (found.get("State") or {}).get("Running"):
                return
        except EngineGone:
            return  # nobody knows
        except EngineError as error:
            if error.status != NOT_FOUND:
                return
        del self._sandboxes[uid]
        await self._remove_one(holder.container)
        raise SandboxGone("sandbox-gone", "the pod's network has ended in the engine")

    def _target(self, uid: str, container: Container) -> str:
        """The container that an ephemeral one is to look at."""
        name = container.target_container_name if isinstance(container, EphemeralContainer) else ""
        found = self._running.get((uid, name))
        return found.container_id if found is not None else ""

    def _container(
        self,
        made: str,
        image: EngineImage,
        message: Path,
        place: spec.Place,
        *,
        memory_limited: bool,
        tty: bool,
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
            tty=tty,
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

    async def _labelled(self, labels: Mapping[str, str]) -> list[str] | None:
        """The ids of all containers with these labels, the sandboxes first: Podman removes the others with them. None: the
        engine does not say."""
        try:
            found = await (await self._door.client()).containers(labels)
        except (EngineError, EngineGone) as error:
            _log.warning("containers not removed", why=error.message)
            return None
        found.sort(key=lambda one: bool(one["Labels"].get(spec.CONTAINER_LABEL)))
        return [str(one["Id"]) for one in found]

    async def _remove_unknown(self) -> bool:
        """What was made while the engine's service died, so that nobody was told of it. False: nobody knows."""
        if not self._places.in_use or self._sandboxes:
            return True
        found = await self._labelled({spec.PLATFORM_LABEL: self._platform})
        await self._remove(found or ())
        return found is not None

    async def _remove_left(self) -> None:
        """What an earlier run left. What the engine does not remove is found at the next start."""
        await self._remove(tuple(self._left))
        if not self._places.in_use and not self._left:
            self._marker.unlink(missing_ok=True)

    async def _remove(self, containers: Sequence[str]) -> None:
        async with anyio.create_task_group() as tasks:
            for one in containers:
                tasks.start_soon(self._remove_one, one)

    async def _remove_one(self, container: str) -> None:
        """A few at once. What is not removed is tried again at the end."""
        async with self._removals:
            try:
                await (await self._door.client()).remove(container)
            except (EngineError, EngineGone) as error:
                _log.warning("container not removed", container=container, why=error.message)
                if container not in self._left:
                    self._left.append(container)
                return
        if container in self._left:
            self._left.remove(container)


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
