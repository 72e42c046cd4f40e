"""What tasks race against: a time, or the end of a container. Caller: tanebi.kubelet.worker."""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup

from tanebi.base.clock import Clock
from tanebi.kubelet.runtime import Running


async def set_after(clock: Clock, seconds: float, event: anyio.Event) -> None:
    await clock.sleep(seconds)
    event.set()


async def cancel_after(clock: Clock, seconds: float, race: TaskGroup) -> None:
    await clock.sleep(seconds)
    race.cancel_scope.cancel()


async def cancel_when_ended(running: Running, race: TaskGroup) -> None:
    await running.wait()
    race.cancel_scope.cancel()
