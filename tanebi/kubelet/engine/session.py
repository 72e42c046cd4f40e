"""Sessions of the engine: a command in a container, or the container itself, with input and output connected.

Callers: tanebi.kubelet.engine.pods (exec), tanebi.kubelet.engine.container (attach).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal

import anyio

from tanebi.api.meta import Obj
from tanebi.api.podstreams import STDERR, STDOUT, Output, Wish
from tanebi.base.log import get_logger
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.frames import BadFrame, Frames
from tanebi.kubelet.engine.hijack import Hijacked
from tanebi.kubelet.runtime import Exit

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

CODE_TRIES: Final = 50  # an exec's exit code comes a moment after its output has ended
CODE_WAIT_S: Final = 0.02
UNKNOWN: Final = 137
TERM: Final = "TERM=xterm"
_CHANNELS: Final[dict[str, Literal[1, 2]]] = {"stdout": STDOUT, "stderr": STDERR}

_log = get_logger("engine")


class EngineSession:
    """Implements tanebi.api.podstreams.Session. `path` names it to the engine; `ended` gives its exit code."""

    def __init__(
        self,
        client: EngineClient,
        stream: Hijacked,
        wish: Wish,
        path: str,
        *,
        framed: bool,
        ended: Callable[[], Awaitable[int]],
    ) -> None:
        self._client = client
        self._stream = stream
        self._wish = wish
        self._path = path
        self._framed = framed
        self._ended = ended

    async def output(self) -> AsyncIterator[Output]:
        """Raises OSError."""
        frames = Frames()
        while data := await self._stream.receive():
            if not self._framed:
                yield STDOUT, data
                continue
            try:
                pieces = [(_CHANNELS[name], piece) for name, piece in frames.feed(data)]
            except BadFrame as error:
                raise OSError(str(error)) from error
            for channel, piece in pieces:
                yield channel, piece

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except OSError:
            return  # nobody reads it any more; the output says how it ended

    async def write_end(self) -> None:
        if self._wish.tty:
            await self.write(b"\x04")
            return
        try:
            await self._stream.send_end()
        except OSError:
            return

    async def resize(self, columns: int, rows: int) -> None:
        try:
            await self._client.resize(self._path, columns, rows)
        except (EngineError, EngineGone) as error:
            _log.debug("terminal not resized", what=self._path, why=error.message)

    async def wait(self) -> int:
        return await self._ended()

    async def close(self) -> None:
        await self._stream.close()


async def execute(
    client: EngineClient, container: str, command: Sequence[str], wish: Wish
) -> EngineSession:
    """Raises EngineError, EngineGone."""
    body: Obj = {
        "Cmd": list(command),
        "AttachStdin": wish.stdin,
        "AttachStdout": wish.stdout,
        "AttachStderr": wish.stderr,
        "Tty": wish.tty,
    }
    if wish.tty:
        body["Env"] = [TERM]
    exec_id = await client.exec_create(container, body)
    path = f"/exec/{exec_id}"
    stream = await client.hijack(f"{path}/start", {}, {"Detach": False, "Tty": wish.tty})

    async def code() -> int:
        for _ in range(CODE_TRIES):
            found = await client.exec_inspect(exec_id)
            if not found.get("Running"):
                return int(found.get("ExitCode") or 0)
            await anyio.sleep(CODE_WAIT_S)
        return UNKNOWN

    return EngineSession(client, stream, wish, path, framed=not wish.tty, ended=code)


async def attach(
    client: EngineClient, container: str, wish: Wish, wait: Callable[[], Awaitable[Exit]]
) -> EngineSession:
    """Raises EngineError, EngineGone."""
    query = {
        "stream": True,
        "stdin": wish.stdin,
        "stdout": wish.stdout,
        "stderr": wish.stderr or wish.tty,
    }
    path = f"/containers/{container}"
    terminal = bool((await client.inspect(container))["Config"].get("Tty"))
    stream = await client.hijack(f"{path}/attach", query)

    async def code() -> int:
        return (await wait()).code

    own = Wish(wish.stdin, wish.stdout, wish.stderr, terminal)
    return EngineSession(client, stream, own, path, framed=not terminal, ended=code)
