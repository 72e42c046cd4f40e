"""Late waits are told, in time and once; others are not."""

from __future__ import annotations

import asyncio

import pytest

from tanebi.http.deadlines import Deadlines
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Told:
    def __init__(self, late: list[Told]) -> None:
        self._late = late

    def on_late(self) -> None:
        self._late.append(self)


async def test_late_ones_are_told_in_their_order() -> None:
    deadlines, late = Deadlines(), list[Told]()
    slow, first, ended, second = (Told(late) for _ in range(4))
    began = asyncio.get_running_loop().time()
    deadlines.begin(slow, 60.0)
    for wait in (first, ended):
        deadlines.begin(wait, 0.05)
    await asyncio.sleep(0.02)
    deadlines.begin(second, 0.05)
    deadlines.end(ended, 0.05)
    await wait_until(lambda: late == [first, second], 5.0)
    assert asyncio.get_running_loop().time() - began >= 0.07 - 0.005
    assert len(deadlines) == 1
    deadlines.end(slow, 60.0)
    assert len(deadlines) == 0


async def test_a_lane_that_ran_empty_serves_again() -> None:
    deadlines, late = Deadlines(), list[Told]()
    for _ in range(2):
        wait = Told(late)
        deadlines.begin(wait, 0.01)
        await wait_until(lambda: late == [wait], 5.0)  # noqa: B023 - awaited within the round
        late.clear()
        deadlines.end(wait, 0.01)
    assert len(deadlines) == 0
