"""Two ways to run pods side by side: a pod whose images are all directory images runs as processes, any other in the engine.

Implements tanebi.kubelet.podruntime.PodRuntime over two others. Made by tanebi.up for `--runtime auto`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tanebi.api.core.pod import Container, Pod
from tanebi.api.podstreams import Session, Wish
from tanebi.kube.plan import Note
from tanebi.kubelet.podruntime import PodRuntime, Sandbox, Say, Started, silent
from tanebi.kubelet.runtime import ExecResult


class ByImage:
    """`is_directory(image)`: whether the process runtime has it. What a pod was prepared for it keeps."""

    def __init__(
        self, processes: PodRuntime, engine: PodRuntime, *, is_directory: Callable[[str], bool]
    ) -> None:
        self._processes = processes
        self._engine = engine
        self._is_directory = is_directory
        self._chosen: dict[str, PodRuntime] = {}

    async def prepare(self, pod: Pod) -> Sandbox:
        """Raises SandboxFailed."""
        simple = all(self._is_directory(one.image) for one in pod.spec.original_containers)
        chosen = self._chosen.setdefault(
            pod.metadata.uid, self._processes if simple else self._engine
        )
        return await chosen.prepare(pod)

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
        chosen = self._chosen[pod.metadata.uid]
        return await chosen.start(pod, container, attempt, sandbox, say=say)

    async def refresh(self, pod: Pod, sandbox: Sandbox) -> None:
        await self._chosen[pod.metadata.uid].refresh(pod, sandbox)

    async def execute(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        *,
        timeout_s: float,
    ) -> ExecResult:
        chosen = self._chosen[pod.metadata.uid]
        return await chosen.execute(pod, container, command, sandbox, timeout_s=timeout_s)

    async def session(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        wish: Wish,
    ) -> Session:
        """Raises StartFailed."""
        chosen = self._chosen[pod.metadata.uid]
        return await chosen.session(pod, container, command, sandbox, wish)

    async def written(self, pod: Pod) -> Mapping[str, int]:
        chosen = self._chosen.get(pod.metadata.uid)
        return await chosen.written(pod) if chosen is not None else {}

    def notes(self, container: Container) -> Sequence[Note]:
        one = self._processes if self._is_directory(container.image) else self._engine
        return one.notes(container)

    def remember(self, pod: Pod) -> None:
        self._processes.remember(pod)
        self._engine.remember(pod)

    async def clean(self, pod_uid: str) -> None:
        chosen = self._chosen.pop(pod_uid, None)
        if chosen is not None:
            await chosen.clean(pod_uid)

    async def clean_all(self) -> int:
        return await self._processes.clean_all() + await self._engine.clean_all()
