"""What runs pods: one address and the real ports for a pod, and containers in it.

A worker (tanebi.kubelet.worker) decides when a container starts, is probed and stopped; how that is done is here behind one
protocol. Implementations: tanebi.kubelet.processpods (containers are processes of this machine), tanebi.kubelet.engine.pods
(containers of Podman or Docker), tanebi.kubelet.choice (each pod by its images).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tanebi.api.core.pod import Container, Pod
from tanebi.api.podstreams import Session, Wish
from tanebi.base.errors import TanebiError
from tanebi.kube.plan import Note
from tanebi.kubelet.ports import PortMap
from tanebi.kubelet.runtime import ExecResult, Running


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where a pod can be reached: its address, and the real port for each one that it declares."""

    address: str
    ports: PortMap


@dataclass(frozen=True, slots=True)
class Started:
    """A container that runs, and the image it runs, by digest."""

    running: Running
    image_id: str


Say = Callable[[Note], None]


def silent(note: Note) -> None:
    """Who does not want to be told."""


class SandboxFailed(TanebiError):
    """There is no place for the pod now. The message is what its Event says; it is tried again later."""


class SandboxGone(TanebiError):
    """The pod's place has ended by itself. `prepare` makes another one; what still runs in the old one must be ended."""


class PodRuntime(Protocol):
    async def prepare(self, pod: Pod) -> Sandbox:
        """Make the pod's place. Doing it again gives the same one. Raises SandboxFailed."""

    async def start(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        sandbox: Sandbox,
        *,
        say: Say = silent,
    ) -> Started:
        """Run a container; `attempt` counts its runs from 0, and what an earlier one left is ended first.

        `say` is told what takes its time on the way. Raises StartFailed with the waiting reason to show, SandboxGone.
        """

    async def refresh(self, pod: Pod, sandbox: Sandbox) -> None:
        """ConfigMaps or Secrets have changed: write them anew where the pod's containers see them."""

    async def execute(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        *,
        timeout_s: float,
    ) -> ExecResult:
        """Run a probe's command beside the container, to its end. Never raises for a command that cannot be run."""

    async def session(
        self,
        pod: Pod,
        container: Container,
        command: Sequence[str],
        sandbox: Sandbox,
        wish: Wish,
    ) -> Session:
        """Run a person's command beside the running container, as it is written. Raises StartFailed."""

    async def written(self, pod: Pod) -> Mapping[str, int]:
        """Bytes that each container of a running pod has written outside of volumes, as far as that is known."""

    def notes(self, container: Container) -> Sequence[Note]:
        """What of the container's wishes this runtime cannot do."""

    def remember(self, pod: Pod) -> None:
        """A pod that an earlier run of the platform had: what it can keep (its ports) is kept for it."""

    async def clean(self, pod_uid: str) -> None:
        """End whatever of this pod still runs, and forget the pod. Doing it twice does nothing."""

    async def clean_all(self) -> int:
        """End what an earlier run of the platform left behind. Returns how many things that were."""
