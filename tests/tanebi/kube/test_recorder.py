from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tanebi.api.core.kinds import EVENT
from tanebi.api.meta import Obj
from tanebi.base.rng import system_rng
from tanebi.kube.client import Kube
from tanebi.kube.faulty import Fault, FaultyTransport, scripted
from tanebi.kube.notes import REPEAT_S
from tanebi.kube.plan import Note
from tanebi.kube.recorder import WAITING_MAX, Recorder
from tanebi.testing.clock import FakeClock
from tanebi.testing.control import NS, ControlPlane, control_plane
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

ABOUT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NS, "uid": "u"}}
NOTE = Note("Normal", "Started", "it started")


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path) as made:
        yield made


async def events(control: ControlPlane) -> list[Obj]:
    return (await control.kube.list(EVENT, NS)).items


async def until_counts(control: ControlPlane, *counts: int) -> None:
    async def there() -> bool:
        return sorted(e["count"] for e in await events(control)) == sorted(counts)

    await wait_until(there, what=f"events counted {counts}")


async def test_events_are_written_and_counted(control: ControlPlane) -> None:
    clock = FakeClock()
    recorder = Recorder(control.kube, clock, system_rng(1))
    recorder.say(ABOUT, NOTE, component="c")
    await control.tasks.start(recorder.run)
    await until_counts(control, 1)
    recorder.say(ABOUT, NOTE, component="c")
    clock.advance(REPEAT_S)
    recorder.say(ABOUT, NOTE, component="c")
    await until_counts(control, 3)
    (event,) = await events(control)
    assert event["message"] == "it started"
    assert event["involvedObject"]["uid"] == "u"


async def test_an_event_that_aged_away_is_said_anew(control: ControlPlane) -> None:
    clock = FakeClock()
    recorder = Recorder(control.kube, clock, system_rng(1))
    await control.tasks.start(recorder.run)
    recorder.say(ABOUT, NOTE, component="c")
    await until_counts(control, 1)
    (event,) = await events(control)
    await control.kube.delete(EVENT, NS, event["metadata"]["name"])
    clock.advance(REPEAT_S)
    recorder.say(ABOUT, NOTE, component="c")
    await until_counts(control, 2)


async def test_a_refusal_is_survived(control: ControlPlane) -> None:
    faults = scripted([Fault.UNAVAILABLE, Fault.LOST_ANSWER])
    transport = FaultyTransport(control.transport, faults, clock=control.clock)
    recorder = Recorder(Kube(transport, field_manager="m"), control.clock, system_rng(1))
    await control.tasks.start(recorder.run)
    for text in ("refused", "lost", "fine"):
        recorder.say(ABOUT, Note("Normal", "R", text), component="c")

    async def said() -> bool:
        return {e["message"] for e in await events(control)} == {"lost", "fine"}

    await wait_until(said)


async def test_too_many_are_dropped_not_kept(control: ControlPlane) -> None:
    recorder = Recorder(control.kube, control.clock, system_rng(1))
    for index in range(WAITING_MAX + 10):
        recorder.say(ABOUT, Note("Normal", "R", str(index)), component="c")
    assert len(recorder._waiting) == WAITING_MAX
    await anyio.lowlevel.checkpoint()
