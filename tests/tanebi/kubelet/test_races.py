"""Racing against a time and against the end of a container."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.kubelet.races import cancel_after, cancel_when_ended, set_after
from tanebi.kubelet.runtime import Exit

pytestmark = pytest.mark.anyio


class Ended:
    async def wait(self) -> Exit:
        return Exit(0)


async def test_a_time_sets_an_event() -> None:
    event = anyio.Event()
    await set_after(SystemClock(), 0.0, event)
    assert event.is_set()


async def test_who_is_late_is_cancelled() -> None:
    ended: Any = Ended()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_after, SystemClock(), 0.0, race)
            await anyio.sleep_forever()
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_when_ended, ended, race)
            await anyio.sleep_forever()
