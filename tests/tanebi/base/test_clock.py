from datetime import UTC

import pytest

from tanebi.base.clock import SystemClock, process_age_s

pytestmark = pytest.mark.anyio


async def test_the_machines_clocks_move_forward() -> None:
    clock = SystemClock()
    before, stamp = clock.now(), clock.wall()
    await clock.sleep(0.001)
    assert clock.now() - before >= 0.001
    assert clock.wall() > stamp
    assert stamp.tzinfo is UTC


def test_the_age_of_the_process_grows() -> None:
    before = process_age_s()
    assert 0 < before <= process_age_s() < 86400
