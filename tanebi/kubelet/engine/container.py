"""One container of the engine while it runs: its output to the log, its end, and signals to it.

Implements tanebi.kubelet.runtime.Running. When the engine's service goes away the container lives on under the engine's own
monitor, so its end and its output are asked for again until the engine is back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import anyio
from anyio.abc import TaskGroup

from tanebi.api.meta import Obj
from tanebi.api.podstreams import Session, Wish
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.engine import session
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.frames import BadFrame, Frames
from tanebi.kubelet.logfile import LogWriter, Splitter, StreamName, stamp_of
from tanebi.kubelet.runtime import Exit, FreezeFailed, StartFailed

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

AGAIN_S: Final = 0.5
AGAIN_MAX_S: Final = 10.0
MESSAGE_MAX: Final = 4096  # bytes of a termination message (Kubernetes' own limit)
LOG_TAIL_S: Final = 2.0  # how long output may take to arrive after the end
KILLED: Final = 137
STREAMS: Final[tuple[StreamName, ...]] = ("stdout", "stderr")

_log = get_logger("engine")


class EngineContainer:
    """Supervised by tasks of `tasks` from `supervise` on."""

    def __init__(
        self,
        container_id: str,
        *,
        scheme: str,
        connect: Callable[[], Awaitable[EngineClient]],
        clock: Clock,
        tasks: TaskGroup,
        stop_signal: str,
        message_file: Path,
        memory_limited: bool,
        tty: bool = False,
    ) -> None:
        """With `tty` its output comes as it is, without frames."""
        self._id = container_id
        self._scheme = scheme
        self._connect = connect
        self._clock = clock
        self._tasks = tasks
        self._stop_signal = stop_signal
        self._message_file = message_file
        self._memory_limited = memory_limited
        self._tty = tty
        self._killed_by_us = False
        self._exit: Exit | None = None
        self._ended = anyio.Event()

    @property
    def id(self) -> str:
        return f"{self._scheme}://{self._id}"

    @property
    def container_id(self) -> str:
        return self._id

    async def wait(self) -> Exit:
        await self._ended.wait()
        assert self._exit is not None
        return self._exit

    async def attach(self, wish: Wish) -> Session:
        """Raises StartFailed."""
        try:
            return await session.attach(await self._connect(), self._id, wish, self.wait)
        except (EngineError, EngineGone) as error:
            raise StartFailed("AttachFailed", error.message) from error

    def terminate(self) -> None:
        self._signal(self._stop_signal)

    def kill(self) -> None:
        self._killed_by_us = True
        self._signal("SIGKILL")

    async def pause(self) -> None:
        if self._exit is None:
            await self._freeze("pause")

    async def resume(self) -> None:
        if self._exit is None:
            await self._freeze("unpause")

    async def _freeze(self, verb: Literal["pause", "unpause"]) -> None:
        try:
            client = await self._connect()
            await (client.pause if verb == "pause" else client.unpause)(self._id)
        except (EngineError, EngineGone) as error:
            raise FreezeFailed("freeze-failed", f"cannot {verb}: {error.message}") from error

    def supervise(self, log: Path) -> None:
        """Raises OSError when the log cannot be written."""
        self._tasks.start_soon(self._run, LogWriter(log))

    def _signal(self, name: str) -> None:
        if self._exit is None:
            self._tasks.start_soon(self._send, name)

    async def _send(self, name: str) -> None:
        try:
            await (await self._connect()).kill(self._id, name)
        except EngineError as error:  # it has ended meanwhile, and `_run` is about to know
            _log.debug("signal not sent", container=self._id, signal=name, why=error.message)
        except EngineGone as error:
            _log.warning("signal not sent", container=self._id, signal=name, why=error.message)

    async def _run(self, writer: LogWriter) -> None:
        followed, pump = anyio.Event(), _Pump(writer, self._clock, framed=not self._tty)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._follow, pump, followed)
                found = await self._end()
                with anyio.move_on_after(LOG_TAIL_S):
                    await followed.wait()
                tasks.cancel_scope.cancel()
            with anyio.move_on_after(LOG_TAIL_S):
                await self._take_rest(pump)
            pump.end()
        finally:
            writer.close()
        self._exit = found
        self._ended.set()

    async def _end(self) -> Exit:
        """How it ended. A container that the engine no longer knows was removed by somebody: as good as killed."""
        delay_s = AGAIN_S
        while True:
            try:
                client = await self._connect()
                code = await client.wait(self._id)
                state = (await client.inspect(self._id))["State"]
                reason = "OOMKilled" if self._out_of_memory(code, state) else ""
                return Exit(code, max(code - 128, 0), reason, self._message())
            except EngineError as error:
                _log.warning("container lost", container=self._id, why=error.message)
                return Exit(KILLED, KILLED - 128, "ContainerStatusUnknown", error.message)
            except EngineGone as error:
                _log.warning("engine gone, asking again", container=self._id, why=error.message)
            await self._clock.sleep(delay_s)
            delay_s = min(2 * delay_s, AGAIN_MAX_S)

    def _out_of_memory(self, code: int, state: Obj) -> bool:
        """As the engine says. Podman on cgroups of version 1 often does not know: there a container with a limit that was
        killed, and not by us, ran out of memory."""
        limited = self._memory_limited and self._scheme == "podman"
        guessed = code == KILLED and limited and not self._killed_by_us
        return bool(state.get("OOMKilled")) or guessed

    def _message(self) -> str:
        try:
            with open(self._message_file, "rb") as file:
                return file.read(MESSAGE_MAX).decode("utf-8", "replace")
        except OSError:
            return ""  # it is optional, and gone with the pod's folder

    async def _take_rest(self, pump: _Pump) -> None:
        """Podman lets go of who follows as soon as the container has ended, sometimes before the last lines."""
        try:
            async with (await self._connect()).logs(self._id, follow=False) as chunks:
                await pump.take(chunks)
        except (EngineError, EngineGone, BadFrame) as error:
            _log.debug("no more output", container=self._id, why=str(error))

    async def _follow(self, pump: _Pump, followed: anyio.Event) -> None:
        """The whole output once, also when the engine had to be asked again: what was taken already is passed over."""
        delay_s = AGAIN_S
        while not followed.is_set():
            try:
                async with (await self._connect()).logs(self._id) as chunks:
                    await pump.take(chunks)
                followed.set()
            except (EngineError, BadFrame) as error:
                _log.warning("output lost", container=self._id, why=str(error))
                followed.set()
            except EngineGone:
                await self._clock.sleep(delay_s)  # `_end` says it
                delay_s = min(2 * delay_s, AGAIN_MAX_S)


class _Pump:
    """From the engine's bytes to the log."""

    def __init__(self, writer: LogWriter, clock: Clock, *, framed: bool) -> None:
        self._framed = framed
        self._writer = writer
        self._clock = clock
        self._taken = 0
        self._splitters = {name: Splitter(name) for name in STREAMS}

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Raises BadFrame."""
        frames, passed = Frames(), 0
        async for chunk in chunks:
            stamp = stamp_of(self._clock.wall())
            for stream, piece in frames.feed(chunk) if self._framed else (("stdout", chunk),):
                fresh = piece[max(0, self._taken - passed) :]
                passed += len(piece)
                if fresh:
                    self._taken += len(fresh)
                    self._writer.write(self._splitters[stream].feed(fresh, stamp))

    def end(self) -> None:
        stamp = stamp_of(self._clock.wall())
        for splitter in self._splitters.values():
            self._writer.write(splitter.end(stamp))
