"""Processes that the platform runs for itself: started, started again when they end, and taken down with it.

A child is in a process group of its own, so that Ctrl-C reaches the platform alone, and dies with the platform however that ends
(the child sees to that itself, tanebi.base.parent). The end of a process is an event (pidfd), never a poll.
Caller: tanebi.up.children.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskStatus

from tanebi.base.clock import Clock
from tanebi.base.log import get_logger

log = get_logger("supervisor")

BACKOFF_FIRST_S: Final = 0.05
BACKOFF_MAX_S: Final = 5.0
STEADY_S: Final = 10.0  # a child that lived longer than this is started again at once
STOP_S: Final = 15.0  # more than the drain of a gateway


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run. `fds` are inherited under their own numbers."""

    name: str
    argv: Sequence[str]
    fds: Sequence[int] = ()


class Supervisor:
    """Inert until `run`. `on_exit(name)` is called, on the loop, when a child has ended."""

    def __init__(
        self, specs: Sequence[Spec], clock: Clock, *, on_exit: Callable[[str], None]
    ) -> None:
        self._specs = specs
        self._clock = clock
        self._on_exit = on_exit
        self._pids: dict[str, int] = {}
        self._stopping = False
        self._released = False
        self._idle = anyio.Event()

    @property
    def pids(self) -> dict[str, int]:
        """Of those that run."""
        return dict(self._pids)

    def release(self) -> None:
        """The children outlive this run: whoever comes next takes them over by their pids."""
        self._released = True

    async def run(
        self,
        *,
        adopt: dict[str, int] | None = None,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep all of them running until cancelled. `adopt`: those that run already, and are our children."""
        async with anyio.create_task_group() as tasks:
            for spec in self._specs:
                tasks.start_soon(self._keep, spec, (adopt or {}).get(spec.name))
            task_status.started()
            await anyio.sleep_forever()

    async def stop_at_end(
        self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """A part that does nothing but end: started last, it lets the children finish while all they need still runs."""
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            if not self._released:
                with anyio.CancelScope(shield=True):
                    await self.stop()

    async def stop(self) -> None:
        """Ask all to end, wait, then insist."""
        self._stopping = True
        for pid in self._pids.values():
            _signal(pid, signal.SIGTERM)
        with anyio.move_on_after(STOP_S):
            while self._pids:
                self._idle = anyio.Event()
                await self._idle.wait()
        for name, pid in self._pids.items():
            log.warning("did not end in time", name=name)
            _signal(pid, signal.SIGKILL)

    def _is_stopping(self) -> bool:
        return self._stopping

    def kill(self) -> None:
        """End all at once, and for sure: the last thing that this process does."""
        for pid in self._pids.values():
            _signal(pid, signal.SIGKILL)
            _reap(pid)

    async def _keep(self, spec: Spec, running: int | None) -> None:
        failures = 0
        while not self._is_stopping():
            began = self._clock.now()
            pid = running if running is not None else _spawn(spec)
            running = None
            self._pids[spec.name] = pid
            try:
                await _ended(pid)
            except anyio.get_cancelled_exc_class():
                if not self._released:
                    _signal(pid, signal.SIGKILL)
                raise
            del self._pids[spec.name]
            self._idle.set()
            self._on_exit(spec.name)
            failures = 0 if self._clock.now() - began > STEADY_S else failures + 1
            if not self._is_stopping():
                log.warning("ended unexpectedly and is started again", name=spec.name)
            await self._clock.sleep(min(BACKOFF_FIRST_S * 2.0**failures, BACKOFF_MAX_S))


def _spawn(spec: Spec) -> int:
    child = subprocess.Popen(
        spec.argv, stdin=subprocess.DEVNULL, pass_fds=spec.fds, process_group=0
    )
    child.returncode = 0  # reaped below, by its pid: Popen has nothing to wait for
    return child.pid


async def _ended(pid: int) -> None:
    """Return when our child `pid` has ended; it is reaped."""
    loop = asyncio.get_running_loop()
    over = anyio.Event()
    pidfd = os.pidfd_open(pid)
    loop.add_reader(pidfd, over.set)
    try:
        await over.wait()
        _reap(pid)
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _reap(pid: int) -> None:
    """Of a child that has ended: returns at once."""
    os.waitpid(pid, 0)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
