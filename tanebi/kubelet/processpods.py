"""Pods whose containers are processes of this machine, from directory images.

With a network (tanebi.kubelet.podnet) each pod has namespaces and an address of its own; pods that ask for the machine's network
or for a port of the machine, and all pods without one, share the machine's address and get real ports of it.

Implements tanebi.kubelet.podruntime.PodRuntime. Made by tanebi.up.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from tanebi.api.core.pod import Container, Pod
from tanebi.api.podstreams import Session, Wish
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache
from tanebi.kube.plan import Note
from tanebi.kubelet.cgroups import Groups
from tanebi.kubelet.environment import ConfigError
from tanebi.kubelet.images import Image, ImageStore, Missing
from tanebi.kubelet.launch import Launcher
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podnet import PodNetwork
from tanebi.kubelet.podruntime import Sandbox, SandboxFailed, Say, Started, silent
from tanebi.kubelet.pods import CONFIG_ERROR
from tanebi.kubelet.portcheck import bindable
from tanebi.kubelet.ports import POD_IP, PortTable, declared_ports
from tanebi.kubelet.processview import Views
from tanebi.kubelet.runtime import ExecResult, Inside, Launch, Runtime, StartFailed
from tanebi.kubelet.tokens import MOUNT_PATH, NO_TOKENS, PodTokens, Tokens
from tanebi.kubelet.treesize import tree_bytes

GROUP_TRIES: Final = 50
GROUP_WAIT_S: Final = 0.01

_log = get_logger("runtime")


class ProcessPods:
    """`folder` is the data directory's `pods`; `path` the PATH of the platform; `local_url` translates variables' values."""

    def __init__(
        self,
        cache: Cache,
        *,
        images: ImageStore,
        runtime: Runtime,
        logs: LogStore,
        folder: Path,
        path: str,
        local_url: Callable[[str], str] = str,
        is_free: Callable[[int], bool] = bindable,
        network: PodNetwork | None = None,
        tokens: PodTokens | None = None,
    ) -> None:
        self._network = network
        self._tokens = tokens
        self._folder = folder
        self._images = images
        self._runtime = runtime
        self._ports = PortTable(is_free, first=zlib.crc32(bytes(folder.absolute())))
        self._places: dict[str, Sandbox] = {}
        host = network.node_address if network is not None else POD_IP
        self._views = Views(
            folder,
            Groups(f"{zlib.crc32(bytes(folder.absolute())):08x}"),
            refused=network.no_views if network is not None else "",
        )
        self._launcher = Launcher(
            cache,
            logs,
            folder=folder,
            path=path,
            local_url=local_url,
            views=self._views,
            host=host,
        )

    async def prepare(self, pod: Pod) -> Sandbox:
        """Raises SandboxFailed."""
        uid = pod.metadata.uid
        try:
            if uid not in self._places:
                self._places[uid] = await self._place(pod)
            return self._places[uid]
        except Unavailable as error:
            raise SandboxFailed(error.code, error.message, hint=error.hint) from error
        except OSError as error:
            raise SandboxFailed("no-place", f"network of the pod: {error}") from error

    async def _place(self, pod: Pod) -> Sandbox:
        declared = declared_ports(pod)
        if self._network is None or pod.spec.host_network or any(declared.values()):
            return Sandbox(POD_IP, self._ports.take(pod.metadata.uid, pod))
        place = await self._network.take(pod)
        return Sandbox(place.address, {port: port for port in declared})

    def inside(self, pod_uid: str) -> Inside | None:
        """The way into a pod's namespaces: for a program to start or a socket to make. None: it shares the machine's."""
        place = self._network.place(pod_uid) if self._network is not None else None
        return partial(self._network.within, place) if self._network and place else None

    async def start(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        sandbox: Sandbox,
        *,
        say: Say = silent,
    ) -> Started:
        """Raises StartFailed."""
        launch, image = await self._launch(pod, container, attempt, sandbox)
        folder = self._launcher.shown_at(pod, MOUNT_PATH)
        if self._network is not None and folder is not None:
            self._network.show(pod.metadata.uid, folder)
        if attempt:
            await self._runtime.sweep(pod.metadata.uid, container.name)
        return Started(await self._runtime.start(launch), image.reference)

    async def refresh(self, pod: Pod, sandbox: Sandbox) -> None:
        try:
            tokens = await self._tokens_of(pod)
        except StartFailed:
            return  # as it was
        await to_thread.run_sync(self._launcher.refresh, pod, sandbox, tokens)

    async def _tokens_of(self, pod: Pod) -> Tokens:
        """Raises StartFailed."""
        try:
            return await self._tokens.projected(pod) if self._tokens is not None else NO_TOKENS
        except ConfigError as error:
            raise StartFailed(CONFIG_ERROR, str(error)) from error

    async def execute(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        *,
        timeout_s: float,
    ) -> ExecResult:
        asking = container.model_copy(update={"command": list(command), "args": []})
        try:
            launch, _ = await self._launch(pod, asking, 0, sandbox)
        except StartFailed as failed:
            return ExecResult(None, failed.message)
        return await self._runtime.execute(launch, timeout_s=timeout_s)

    async def session(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        wish: Wish,
    ) -> Session:
        """Raises StartFailed."""
        launch, _ = await self._launch(pod, container, 0, sandbox)
        return await self._runtime.session(replace(launch, argv=tuple(command)), wish)

    async def written(self, pod: Pod) -> Mapping[str, int]:
        """They share one folder: it counts for the first."""
        home = self._folder / pod.metadata.uid / "tmp"
        return {pod.spec.containers[0].name: await to_thread.run_sync(tree_bytes, home)}

    def notes(self, container: Container) -> Sequence[Note]:
        return self._launcher.notes(container)

    def remember(self, pod: Pod) -> None:
        self._ports.remember(pod.metadata.uid, pod)

    async def clean(self, pod_uid: str) -> None:
        await to_thread.run_sync(self._views.detach, pod_uid)
        await self._runtime.clean(pod_uid)
        await _until(partial(self._views.groups.remove, pod_uid))
        self._ports.release(pod_uid)
        self._places.pop(pod_uid, None)
        if self._network is not None:
            self._network.release(pod_uid)

    async def clean_all(self) -> int:
        await to_thread.run_sync(self._views.detach_all)
        ended = await self._runtime.clean_all()
        await _until(self._views.groups.remove_all)
        return ended

    async def _launch(
        self, pod: Pod, container: Container, attempt: int, sandbox: Sandbox
    ) -> tuple[Launch, Image]:
        """Raises StartFailed."""
        image = self._image(container)
        inside, tokens = self.inside(pod.metadata.uid), await self._tokens_of(pod)
        launch = self._launcher.launch(pod, container, attempt, image, sandbox, inside, tokens)
        return launch, image

    def _image(self, container: Container) -> Image:
        found = self._images.resolve(container.image)
        if isinstance(found, Missing):
            raise StartFailed(found.reason, found.message)
        return found


async def _until(gone: Callable[[], bool]) -> None:
    """A group is empty a moment after its last process has ended."""
    for _ in range(GROUP_TRIES):
        if gone():
            return
        await anyio.sleep(GROUP_WAIT_S)
    _log.warning("control groups not removed; the next start tries again")
