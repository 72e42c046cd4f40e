"""The end of a pod's containers in its order. With a whole worker around it: test_worker.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.base.clock import SystemClock
from tanebi.kubelet.ending import Ending
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.runtime import ExecResult, Exit

pytestmark = pytest.mark.anyio


@dataclass
class World:
    """The pod, its tools and what happens to it, told in `said`."""

    drains: anyio.Event = field(default_factory=anyio.Event)
    said: list[str] = field(default_factory=list)
    clock: Any = field(default_factory=SystemClock)
    sandbox: Sandbox = field(default_factory=lambda: Sandbox("10.0.0.1", {80: 80}))

    @property
    def pods(self) -> Any:
        return self

    @property
    def drain(self) -> Any:
        return self

    @property
    def pod(self) -> Any:
        bye = {"preStop": {"exec": {"command": ["bye"]}}}
        return POD.view(
            {
                "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
                "spec": {
                    "initContainers": [{"name": "side", "image": "i", "restartPolicy": "Always"}],
                    "containers": [{"name": "main", "image": "i", "lifecycle": bye}],
                },
            }
        )

    async def drained(self, address: Any, *, deadline_s: float) -> bool:
        await self.drains.wait()
        self.said.append("drained")
        return True

    async def execute(self, *args: Any, timeout_s: float) -> ExecResult:
        self.said.append("bye")
        self.drains.set()
        return ExecResult(Exit(0), "")


class One:
    """A container; a deaf one needs SIGKILL."""

    id = "fake://1"

    def __init__(self, name: str, world: World, *, deaf: bool = False) -> None:
        self.name, self.world, self.deaf = name, world, deaf
        self.ended = anyio.Event()

    async def wait(self) -> Exit:
        await self.ended.wait()
        return Exit(0)

    def terminate(self) -> None:
        self.world.said.append(f"TERM {self.name}")
        if not self.deaf:
            self.ended.set()

    def kill(self) -> None:
        self.world.said.append(f"KILL {self.name}")
        self.ended.set()


def ending(world: World, *, deaf: bool = False) -> tuple[Ending, anyio.Event]:
    gone = anyio.Event()
    running: Any = {"side": One("side", world), "main": One("main", world, deaf=deaf)}
    host: Any = world
    return Ending(host, host, running=running, gone=gone, say=lambda note: None), gone


async def test_hook_and_drain_before_the_signal_and_sidecars_after_all() -> None:
    world = World()
    await ending(world)[0].all(5, drain=True)
    assert world.said == ["bye", "drained", "TERM main", "TERM side"]


async def test_who_does_not_heed_is_killed_when_the_pod_is_gone() -> None:
    world = World()
    end, gone = ending(world, deaf=True)
    gone.set()
    await end.one("main", 60, "why")
    assert world.said[-2:] == ["TERM main", "KILL main"]
    await end.one("nobody", 60, "why")
