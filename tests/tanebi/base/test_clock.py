from datetime import UTC

import pytest

from tanebi.base.clock import SystemClock

pytestmark = pytest.mark.anyio


async def test_the_machines_clocks_move_forward() -> None:
    clock = SystemClock()
    before, stamp = clock.now(), clock.wall()
    await clock.sleep(0.001)
    assert clock.now() - before >= 0.001
    assert clock.wall() > stamp
    assert stamp.tzinfo is UTC
