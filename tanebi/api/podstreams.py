"""How the API server gets at running containers: a command in one, its own input and output, and ports of its pod.

Callers: tanebi.apiserver.streaming. Implemented by tanebi.kubelet.podstreams over both runtimes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from tanebi.api.meta import Key
from tanebi.base.errors import UserError

STDOUT: Final = 1
STDERR: Final = 2
Output = tuple[Literal[1, 2], bytes]


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a session is connected. With `tty` everything printed is standard output."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class NoStream(UserError):
    """It cannot be had; the message is Kubernetes' own. `pod_unknown` answers 404, `ours` 500, anything else 400."""

    def __init__(self, message: str, *, pod_unknown: bool = False, ours: bool = False) -> None:
        super().__init__("no-stream", message)
        self.pod_unknown = pod_unknown
        self.ours = ours


class Session(Protocol):
    """A command (exec), or a container as it runs (attach)."""

    def output(self) -> AsyncIterator[Output]:
        """What it prints, until it has ended. The session is not read further than this is."""

    async def write(self, data: bytes) -> None:
        """To its input, once it takes it. What nobody reads any more is dropped."""

    async def write_end(self) -> None:
        """No more input. Doing it twice does nothing."""

    async def resize(self, columns: int, rows: int) -> None:
        """Of its terminal, if it has one."""

    async def wait(self) -> int:
        """The exit code, once the output has ended."""

    async def close(self) -> None:
        """Let go. A command that still runs is ended where the runtime can do that; a container goes on."""


class ByteStream(Protocol):
    """A connection to a port."""

    async def receive(self) -> bytes:
        """Empty at the end. Raises OSError when it broke."""

    async def send(self, data: bytes) -> None:
        """Raises OSError when it broke."""

    async def send_end(self) -> None:
        """No more from us; the other direction goes on."""

    async def close(self) -> None: ...


class PodStreams(Protocol):
    """Each raises NoStream before anything is connected."""

    def check(self, pod: Key, container: str | None) -> None:
        """Whether the pod, and its container (empty: the only one; None: none is meant), can be streamed to now."""

    async def execute(
        self, pod: Key, container: str, command: Sequence[str], wish: Wish
    ) -> Session: ...

    async def attach(self, pod: Key, container: str, wish: Wish) -> Session: ...

    async def dial(self, pod: Key, port: int) -> ByteStream: ...


def must_choose(pod: str, mains: Sequence[str], inits: Sequence[str]) -> str:
    """Kubernetes' words for a request that leaves open which container it means."""
    text = f"a container name must be specified for pod {pod}, choose one of: [{' '.join(mains)}]"
    return f"{text} or one of the init containers: [{' '.join(inits)}]" if inits else text
