"""A running container, with an engine that goes away and comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine.container import EngineContainer
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.runtime import Exit

pytestmark = pytest.mark.anyio


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@dataclass
class Engine:
    """`outages` are raised, one a call of `wait`; the log breaks off after each."""

    code: int = 0
    state: Obj = field(default_factory=dict)
    outages: list[Exception] = field(default_factory=list)
    output: list[bytes] = field(default_factory=lambda: [frame(b"one\n"), frame(b"two\n", 2)])
    breaks: int = 0
    killed: list[str] = field(default_factory=list)
    lets_go: bool = False  # who follows misses the rest

    async def wait(self, container: str) -> int:
        if self.outages:
            raise self.outages.pop(0)
        return self.code

    async def inspect(self, container: str) -> Obj:
        return {"State": self.state}

    async def kill(self, container: str, signal: str) -> None:
        self.killed.append(signal)
        if signal == "SIGWINCH":
            raise EngineError(409, "not running")

    @asynccontextmanager
    async def logs(
        self, container: str, *, follow: bool = True
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._chunks(follow=follow)

    async def _chunks(self, *, follow: bool) -> AsyncIterator[bytes]:
        yield self.output[0]
        if follow and self.lets_go:
            return
        if self.breaks:
            self.breaks -= 1
            raise EngineGone("reset")
        for chunk in self.output[1:]:
            yield chunk


async def run(engine: Engine, folder: Path, **options: Any) -> Exit:
    async def connect() -> Any:
        return engine

    async with anyio.create_task_group() as tasks:
        container = EngineContainer(
            "abc",
            scheme="podman",
            connect=connect,
            clock=SystemClock(),
            tasks=tasks,
            stop_signal=options.get("stop_signal", "SIGTERM"),
            message_file=folder / "message",
            memory_limited=options.get("limited", False),
            tty=options.get("tty", False),
        )
        assert container.id == "podman://abc"
        if options.get("signal"):
            container.terminate()
            container.kill()
        container.supervise(folder / "log")
        return await container.wait()


def written(folder: Path) -> list[str]:
    lines = (folder / "log").read_text().splitlines()
    return [line.partition(" ")[2] for line in lines]


async def test_an_end_with_its_output(tmp_path: Path) -> None:
    assert await run(Engine(code=3), tmp_path) == Exit(3)
    assert sorted(written(tmp_path)) == ["stderr F two", "stdout F one"]


async def test_what_the_engine_knows_better(tmp_path: Path) -> None:
    (tmp_path / "message").write_text("last words")
    found = await run(Engine(code=137, state={"OOMKilled": True}), tmp_path)
    assert found == Exit(137, 9, "OOMKilled", "last words")


@pytest.mark.parametrize(
    ("code", "limited", "signal", "reason"),
    [
        (137, True, False, "OOMKilled"),
        (137, False, False, ""),
        (137, True, True, ""),
        (1, True, False, ""),
    ],
)
async def test_killed_and_not_by_us(
    tmp_path: Path, code: int, limited: bool, signal: bool, reason: str
) -> None:
    found = await run(Engine(code=code), tmp_path, limited=limited, signal=signal)
    assert found.reason == reason


async def test_an_engine_that_comes_back_loses_no_line_and_says_none_twice(tmp_path: Path) -> None:
    engine = Engine(outages=[EngineGone("stopped")], breaks=1)
    assert await run(engine, tmp_path) == Exit(0)
    assert sorted(written(tmp_path)) == ["stderr F two", "stdout F one"]


async def test_a_container_that_somebody_removed(tmp_path: Path) -> None:
    found = await run(Engine(outages=[EngineError(404, "no such container")]), tmp_path)
    assert found == Exit(137, 9, "ContainerStatusUnknown", "no such container")


async def test_signals_go_by_name_and_may_come_too_late(tmp_path: Path) -> None:
    engine = Engine()
    await run(engine, tmp_path, signal=True, stop_signal="SIGWINCH")
    assert sorted(engine.killed) == ["SIGKILL", "SIGWINCH"]


async def test_lines_that_who_follows_is_not_told(tmp_path: Path) -> None:
    assert await run(Engine(lets_go=True), tmp_path) == Exit(0)
    assert sorted(written(tmp_path)) == ["stderr F two", "stdout F one"]


async def test_a_terminals_output_has_no_frames(tmp_path: Path) -> None:
    await run(Engine(output=[b"one\r\n", b"two\r\n"]), tmp_path, tty=True)
    assert written(tmp_path) == ["stdout F one", "stdout F two"]
