"""Falling asleep and waking: nothing is frozen while it works, and nothing wakes late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.abc import TaskGroup

from tanebi.kubelet.runtime import Exit, FreezeFailed
from tanebi.kubelet.sleeper import Address, Sleeper
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

PORT: Address = ("127.0.0.1", 8080)


@dataclass(eq=False)
class Container:
    id: str = "fake://1"
    broken: bool = False
    told: list[str] = field(default_factory=list)

    async def pause(self) -> None:
        self._tell("pause")

    async def resume(self) -> None:
        self._tell("resume")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        if self.broken:
            raise FreezeFailed("freeze-failed", "no freezer here")

    async def wait(self) -> Exit:
        raise NotImplementedError

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


@dataclass
class DataPlane:
    """`busy`: how many more times it says that requests are still there."""

    busy: int = 0
    restored: int = 0
    gate: anyio.Event = field(default_factory=anyio.Event)

    async def drained(self, address: Address, *, deadline_s: float) -> bool:
        await self.gate.wait()
        self.busy -= 1
        return self.busy < 0

    def restore(self, address: Address) -> None:
        self.restored += 1


@dataclass
class Pod:
    """A sleeper and what is around it."""

    tasks: TaskGroup
    plane: DataPlane = field(default_factory=DataPlane)
    containers: list[Container] = field(default_factory=lambda: [Container()])
    changes: int = 0

    def __post_init__(self) -> None:
        self.sleeper = Sleeper(
            self.plane,
            running=lambda: self.containers,
            addresses=lambda: [PORT],
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    async def turn(self, *, wanted: bool, settled: bool = True) -> None:
        self.sleeper.want(wanted)
        await self.sleeper.turn(self.tasks, settled=settled)

    @property
    def told(self) -> list[str]:
        return [word for container in self.containers for word in container.told]


@pytest.fixture
async def pod() -> AsyncIterator[Pod]:
    async with anyio.create_task_group() as tasks:
        yield Pod(tasks)
        tasks.cancel_scope.cancel()


async def asleep(pod: Pod) -> None:
    pod.plane.gate.set()
    await pod.turn(wanted=True)
    await wait_until(lambda: pod.sleeper.asleep)


async def test_it_falls_asleep_once_nothing_is_in_flight(pod: Pod) -> None:
    pod.plane.busy = 2  # two deadlines pass before the last request ends
    await pod.turn(wanted=True)
    await pod.turn(wanted=True)  # a second look starts nothing anew
    assert not pod.sleeper.asleep
    pod.plane.gate.set()
    await wait_until(lambda: pod.changes == 1)
    assert pod.sleeper.asleep
    assert pod.told == ["pause"]
    assert pod.plane.restored == 0


async def test_waking_waits_for_nothing_and_opens_the_way_again(pod: Pod) -> None:
    await asleep(pod)
    await pod.turn(wanted=False)
    assert pod.told == ["pause", "resume"]
    assert not pod.sleeper.asleep
    assert pod.plane.restored == 1
    await pod.sleeper.wake()  # twice does nothing
    assert pod.told == ["pause", "resume"]


async def test_a_mark_taken_off_while_requests_end_freezes_nothing(pod: Pod) -> None:
    await pod.turn(wanted=True)
    await pod.turn(wanted=False)
    pod.plane.gate.set()
    await wait_until(lambda: pod.changes == 1)
    assert (pod.told, pod.plane.restored, pod.sleeper.asleep) == ([], 1, False)


async def test_what_is_not_up_yet_is_not_frozen(pod: Pod) -> None:
    pod.plane.gate.set()
    await pod.turn(wanted=True, settled=False)
    await anyio.wait_all_tasks_blocked()
    assert pod.told == []


async def test_a_container_that_starts_meanwhile_is_frozen_too(pod: Pod) -> None:
    await asleep(pod)
    pod.containers.append(Container())
    await pod.turn(wanted=True)
    await wait_until(lambda: pod.changes == 2)
    assert [container.told for container in pod.containers] == [["pause"], ["pause"]]


async def test_an_engine_without_a_freezer_keeps_it_awake_but_set_aside(pod: Pod) -> None:
    pod.containers[0].broken = True
    await asleep(pod)
    await pod.turn(wanted=False)
    assert pod.told == ["pause", "resume"]


async def test_probes_rest_while_it_sleeps_and_begin_again(pod: Pod) -> None:
    rounds: list[str] = []

    async def probe(tasks: TaskGroup) -> None:
        rounds.append("begun")
        try:
            await anyio.sleep_forever()
        finally:
            rounds.append("ended")

    pod.tasks.start_soon(pod.sleeper.while_awake, probe)
    await wait_until(lambda: rounds == ["begun"])
    await asleep(pod)
    await wait_until(lambda: rounds == ["begun", "ended"])
    await pod.turn(wanted=False)
    await wait_until(lambda: rounds == ["begun", "ended", "begun"])
