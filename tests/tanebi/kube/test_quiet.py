"""What can wait waits for quiet, and not for ever."""

from __future__ import annotations

import anyio
import pytest

from tanebi.kube.quiet import QUIET_S, WAIT_MAX_S, Quiet
from tanebi.testing.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_when_nothing_is_urgent_nobody_waits() -> None:
    with anyio.fail_after(1):
        await Quiet(FakeClock()).settle()


async def _waits_s(quiet: Quiet, clock: FakeClock, *, steadily: bool) -> float:
    """How long `settle` takes, by the clock."""
    began, done = clock.now(), anyio.Event()

    async def settle() -> None:
        await quiet.settle()
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(settle)
        await anyio.wait_all_tasks_blocked()
        while not done.is_set():
            clock.advance(0.001)
            if steadily:
                quiet.touch()
            await anyio.wait_all_tasks_blocked()
            assert clock.now() - began < 1
    return clock.now() - began


async def test_one_urgent_thing() -> None:
    clock = FakeClock()
    quiet = Quiet(clock)
    quiet.touch()
    assert await _waits_s(quiet, clock, steadily=False) == pytest.approx(QUIET_S, abs=0.002)


async def test_a_longer_one_is_not_cut_short_by_a_shorter_one() -> None:
    clock = FakeClock()
    quiet = Quiet(clock)
    quiet.touch(lasting_s=0.03)
    quiet.touch()
    assert await _waits_s(quiet, clock, steadily=False) == pytest.approx(0.03, abs=0.002)


async def test_under_steady_load_it_still_goes_on() -> None:
    clock = FakeClock()
    quiet = Quiet(clock)
    quiet.touch()
    assert await _waits_s(quiet, clock, steadily=True) == pytest.approx(WAIT_MAX_S, abs=0.002)
