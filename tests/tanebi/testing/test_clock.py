import anyio
import pytest

from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


async def test_sleepers_wake_when_the_test_says_so() -> None:
    clock = FakeClock()
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleeper, 1)
        tasks.start_soon(sleeper, 5)
        await anyio.lowlevel.checkpoint()
        before = clock.wall()
        clock.advance(2)
        await wait_until(lambda: woken == [1])
        clock.advance(3)
    assert woken == [1, 5]
    assert clock.now() == 1005.0
    assert (clock.wall() - before).total_seconds() == 5
