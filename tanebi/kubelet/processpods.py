"""Pods whose containers are processes of this machine: directory images, real ports of one shared address.

Implements tanebi.kubelet.podruntime.PodRuntime. Made by tanebi.up.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from tanebi.api.core.pod import Container, Pod
from tanebi.base.errors import Unavailable
from tanebi.kube.cache import Cache
from tanebi.kube.plan import Note
from tanebi.kubelet.images import Image, ImageStore, Missing
from tanebi.kubelet.launch import Launcher
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import Sandbox, SandboxFailed, Started
from tanebi.kubelet.pods import ERR_IMAGE
from tanebi.kubelet.portcheck import bindable
from tanebi.kubelet.ports import POD_IP, PortTable
from tanebi.kubelet.runtime import ExecResult, Runtime, StartFailed


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
    ) -> None:
        self._images = images
        self._runtime = runtime
        self._ports = PortTable(is_free, first=zlib.crc32(bytes(folder.absolute())))
        self._places: dict[str, Sandbox] = {}
        self._launcher = Launcher(cache, logs, folder=folder, path=path, local_url=local_url)

    async def prepare(self, pod: Pod) -> Sandbox:
        """Raises SandboxFailed."""
        uid = pod.metadata.uid
        try:
            if uid not in self._places:
                self._places[uid] = Sandbox(POD_IP, self._ports.take(uid, pod))
            return self._places[uid]
        except Unavailable as error:
            raise SandboxFailed(error.code, error.message, hint=error.hint) from error

    async def start(
        self, pod: Pod, container: Container, attempt: int, sandbox: Sandbox
    ) -> Started:
        """Raises StartFailed."""
        image = self._image(container)
        launch = self._launcher.launch(pod, container, attempt, image, sandbox.ports)
        if attempt:
            await self._runtime.sweep(pod.metadata.uid, container.name)
        return Started(await self._runtime.start(launch), image.reference)

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
            image = self._image(container)
            launch = self._launcher.launch(pod, asking, 0, image, sandbox.ports)
        except StartFailed as failed:
            return ExecResult(None, failed.message)
        return await self._runtime.execute(launch, timeout_s=timeout_s)

    def notes(self, container: Container) -> Sequence[Note]:
        return self._launcher.notes(container)

    def remember(self, pod: Pod) -> None:
        self._ports.remember(pod.metadata.uid, pod)

    async def clean(self, pod_uid: str) -> None:
        await self._runtime.clean(pod_uid)
        self._ports.release(pod_uid)
        self._places.pop(pod_uid, None)

    async def clean_all(self) -> int:
        return await self._runtime.clean_all()

    def _image(self, container: Container) -> Image:
        found = self._images.resolve(container.image)
        if isinstance(found, Missing):
            raise StartFailed(ERR_IMAGE, found.message)
        return found
