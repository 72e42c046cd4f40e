"""Freezes one pod's containers while its standby mark stands, and wakes them when the mark is taken off.

To freeze: nothing new goes to the pod, what is there ends, its probes stop, and then its containers stand still (SIGSTOP, or the
engine's freezer). To wake is the reverse and waits for nothing. Who is marked: tanebi.kubelet.standby.
Caller: tanebi.kubelet.worker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from tanebi.base.log import get_logger
from tanebi.kubelet.drain import Drain
from tanebi.kubelet.runtime import FreezeFailed, Running

DRAIN_S: Final = 30.0  # after which it is asked again, as long as the mark stands

Address = tuple[str, int]
_log = get_logger("kubelet")


class Sleeper:
    """`running` and `addresses` tell what the pod has now; `changed` is called when it has fallen asleep."""

    def __init__(
        self,
        drain: Drain,
        *,
        running: Callable[[], Collection[Running]],
        addresses: Callable[[], Iterable[Address]],
        changed: Callable[[], None],
    ) -> None:
        self._drain = drain
        self._running = running
        self._addresses = addresses
        self._changed = changed
        self._wanted = False
        self._frozen: list[Running] = []
        self._falling = anyio.Event()
        self._up = anyio.Event()
        self._up.set()
        self._lock = anyio.Lock()
        self._busy = False

    @property
    def asleep(self) -> bool:
        return bool(self._frozen)

    def want(self, wanted: bool) -> bool:
        """What the pod's mark says. Returns whether that is news."""
        before, self._wanted = self._wanted, wanted
        return before != wanted

    async def turn(self, tasks: TaskGroup, *, settled: bool) -> None:
        """Go where the mark points. `settled`: every container runs, so there is something to keep."""
        if not self._wanted:
            if self._frozen:
                await self.wake()
            return
        awake = any(one not in self._frozen for one in self._running())
        if settled and awake and not self._busy:
            self._busy = True
            tasks.start_soon(self._fall_asleep)

    async def wake(self) -> None:
        """Everything runs on. Doing it twice does nothing."""
        async with self._lock:
            frozen, self._frozen = self._frozen, []
            for one in frozen:
                try:
                    await one.resume()
                except FreezeFailed as error:
                    _log.warning("not woken", container=one.id, why=error.message)
            if not self._up.is_set():
                self._falling = anyio.Event()
                self._up.set()
        if frozen:
            self._restore()

    async def while_awake(self, work: Callable[[TaskGroup], Coroutine[Any, Any, None]]) -> None:
        """Do `work`, again from the beginning after each sleep. Ends with its task."""
        while True:
            await self._up.wait()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work, tasks)
                await self._falling.wait()
                tasks.cancel_scope.cancel()

    async def _fall_asleep(self) -> None:
        try:
            while self._wanted and not await self._drained():
                pass  # requests are still there: a frozen one would never end
            if self._wanted:
                await self._freeze()
            else:
                self._restore()
        finally:
            self._busy = False
        self._changed()

    async def _drained(self) -> bool:
        found = [await self._drain.drained(a, deadline_s=DRAIN_S) for a in self._addresses()]
        return all(found)

    async def _freeze(self) -> None:
        async with self._lock:
            self._up = anyio.Event()
            self._falling.set()
            for one in self._running():
                if one in self._frozen:
                    continue
                try:
                    await one.pause()
                except FreezeFailed as error:
                    _log.warning("not frozen", container=one.id, why=error.message)
                self._frozen.append(one)

    def _restore(self) -> None:
        for address in self._addresses():
            self._drain.restore(address)
