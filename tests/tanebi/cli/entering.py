"""Pods that can be entered without a kubelet: commands and ports that answer as their names say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio

from tanebi.api.meta import Key
from tanebi.api.podstreams import STDERR, STDOUT, ByteStream, NoStream, Output, Session, Wish
from tests.tanebi.cli.driving import Shell

REFUSING_PORT = 81
GONE = "gone"


class Command:
    """`echo WORDS`, `complain WORDS`, `exit CODE`, `cat`, `size` (prints the first one that is told), `forever`."""

    def __init__(self, words: Sequence[str], wish: Wish) -> None:
        self._name, self._rest = words[0], words[1:]
        self._wish = wish
        self._typed = b""
        self._over = anyio.Event()

    async def output(self) -> AsyncIterator[Output]:
        text = " ".join(self._rest).encode()
        if self._name == "echo":
            yield STDOUT, text
        elif self._name == "complain":
            yield STDERR, text
        elif self._name in ("cat", "size", "forever"):
            await self._over.wait()
            yield STDOUT, self._typed

    async def write(self, data: bytes) -> None:
        self._typed += data

    async def write_end(self) -> None:
        if self._name == "cat":
            self._over.set()

    async def resize(self, columns: int, rows: int) -> None:
        self._typed = f"{columns}x{rows} {self._wish.tty}".encode()
        self._over.set()

    async def wait(self) -> int:
        return int(self._rest[0]) if self._name == "exit" else 0

    async def close(self) -> None: ...


class Upper:
    """A port that answers in capitals once its client has said all."""

    def __init__(self) -> None:
        self._said = b""
        self._over = anyio.Event()

    async def receive(self) -> bytes:
        await self._over.wait()
        data, self._said = self._said, b""
        return data.upper()

    async def send(self, data: bytes) -> None:
        self._said += data

    async def send_end(self) -> None:
        self._over.set()

    async def close(self) -> None: ...


class Entering:
    """Implements PodStreams. The pod named `gone` is not there."""

    def check(self, pod: Key, container: str | None) -> None:
        if pod.name.startswith(GONE):
            raise NoStream(f'pods "{pod.name}" not found', pod_unknown=True)

    async def execute(
        self, pod: Key, container: str, command: Sequence[str], wish: Wish
    ) -> Session:
        if command[0] == "nothing":
            raise NoStream('exec: "nothing": executable file not found in $PATH', ours=True)
        return Command(command, wish)

    async def attach(self, pod: Key, container: str, wish: Wish) -> Session:
        return Command(["cat" if wish.stdin else "echo", "attached to", container], wish)

    async def dial(self, pod: Key, port: int) -> ByteStream:
        if port == REFUSING_PORT:
            raise NoStream(f"failed to connect to port {port}", ours=True)
        return Upper()


def pod(name: str, ns: str, *, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A manifest. `more`: members of its one container."""
    container = {"name": "main", "image": "dev.local/x", **more}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": ns, "labels": labels or {}},
        "spec": {"containers": [container]},
    }


def running(shell: Shell, obj: dict[str, Any], *, ready: bool = True) -> str:
    """Make a pod that runs, as far as the API knows. Returns its name."""
    meta = obj["metadata"]
    shell.apply(obj)
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    shell.set_status(path, {"phase": "Running", "conditions": [condition]})
    return str(meta["name"])
