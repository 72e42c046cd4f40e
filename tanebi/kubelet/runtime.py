"""What runs containers. One contract suite holds for every runtime: tests/contract/test_runtime.py.

A runtime starts a prepared command and tells when it has ended; restarts, probes and statuses are the kubelet's business.
Implementations: tanebi.kubelet.process (a child process a container). Engine and OCI runtimes come with the same protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from tanebi.api.podstreams import Session, Wish
from tanebi.base.errors import TanebiError
from tanebi.kubelet.cgroups import Group
from tanebi.kubelet.view import View

T = TypeVar("T")


Enter = Callable[[Sequence[str], Path], Sequence[str]]
"""From a command and where it is to run to the command that runs it inside."""


def as_it_is(argv: Sequence[str], cwd: Path) -> Sequence[str]:
    """Whoever starts it is inside already, or has no place to enter."""
    return argv


class Inside(Protocol):
    """The way into one pod's namespaces."""

    async def __call__(self, work: Callable[[Enter], T]) -> T:
        """What `work` returns or raises, which must be short: it starts a program, by what it is given."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of one container. `log` is the file its output is appended to.

    `view` is what it sees and may do, `group` its control groups; None: as the platform itself.
    `inside` runs what starts the program in the pod's namespaces; None: the pod shares the machine's. `stdin`: it has an input,
    that of whoever is attached; with `stdin_once` it ends with the first of them. `tty`: it runs on a terminal.
    """

    pod_uid: str
    container: str
    attempt: int
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    inside: Inside | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    view: View | None = None
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended. A signal's exit code is 128 + its number, as shells and Kubernetes have it.

    `reason` is what the runtime knows better than the code says (OOMKilled); `message` what the container left behind.
    """

    code: int
    signal: int = 0
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a probe's command ended and what it said. `exit` is None when it took too long and was killed."""

    exit: Exit | None
    output: str


class StartFailed(TanebiError):
    """The command could not be run. `code` is the waiting reason Kubernetes would show (RunContainerError, …)."""


class FreezeFailed(TanebiError):
    """A container could not be stopped where it stands, or set going again."""


class Running(Protocol):
    """One started container."""

    @property
    def id(self) -> str:
        """As in a container status: `process://12345`."""

    async def wait(self) -> Exit:
        """How it ended, once it has and its output has been written. May be awaited more than once."""

    async def attach(self, wish: Wish) -> Session:
        """What it prints from now on, and its input if it has one. Raises StartFailed when that cannot be."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM). Does nothing when it has ended."""

    def kill(self) -> None:
        """End it and everything it started."""

    async def pause(self) -> None:
        """Stop it where it stands, with everything it started. Does nothing when it has ended. Raises FreezeFailed."""

    async def resume(self) -> None:
        """Let it go on. Does nothing when it is not paused. Raises FreezeFailed."""


class Runtime(Protocol):
    async def start(self, launch: Launch) -> Running:
        """Run it. Raises StartFailed."""

    async def execute(self, launch: Launch, *, timeout_s: float) -> ExecResult:
        """Run a probe's command to its end beside the container. Never raises for a command that cannot be run."""

    async def session(self, launch: Launch, wish: Wish) -> Session:
        """Run a command beside the container, with its input and output connected. Raises StartFailed."""

    async def sweep(self, pod_uid: str, container: str) -> None:
        """End what an earlier run of this container left running, before it is started again."""

    async def clean(self, pod_uid: str) -> None:
        """End whatever of this pod still runs, also what left its process group, and forget the pod."""

    async def clean_all(self) -> int:
        """End what an earlier run of the platform left behind. Returns how many processes that were."""
