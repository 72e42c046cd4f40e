"""How the containers of one pod end: hook and drain, then SIGTERM, what is left of the grace period, SIGKILL.

Mains end at once; sidecars when what they stand beside has ended, the last one first. Caller: tanebi.kubelet.worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import anyio
from anyio.abc import TaskGroup

from tanebi.api.core.pod import Pod
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.plan import Note
from tanebi.kubelet.drain import Drain
from tanebi.kubelet.hooks import FAILED_PRE_STOP, Hooks
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.probing import ProbeTools
from tanebi.kubelet.races import cancel_after, cancel_when_ended
from tanebi.kubelet.runtime import Running

TERM_MIN_S: Final = (
    2.0  # what SIGTERM gets even when hooks and draining took the whole grace period
)

_log = get_logger("kubelet")


class Host(Protocol):
    """The pod as it is now."""

    @property
    def pod(self) -> Pod: ...
    @property
    def sandbox(self) -> Sandbox: ...


class EndTools(ProbeTools, Protocol):
    @property
    def drain(self) -> Drain: ...


class Ending:
    """`running` is kept by the worker; once the pod is `gone` nobody waits any more."""

    def __init__(
        self,
        host: Host,
        tools: EndTools,
        *,
        running: Mapping[str, Running],
        gone: anyio.Event,
        say: Callable[[Note], None],
    ) -> None:
        self._host = host
        self._tools = tools
        self._running = running
        self._gone = gone
        self._say = say

    @property
    def _clock(self) -> Clock:
        return self._tools.clock

    async def all(self, grace_s: float, *, drain: bool) -> None:
        began, drained = self._clock.now(), anyio.Event()
        inits = self._host.pod.spec.init_containers
        sidecars = [c.name for c in inits if c.name in self._running]
        mains = [name for name in self._running if name not in sidecars]
        async with anyio.create_task_group() as tasks:
            for name in mains:
                tasks.start_soon(self._leave, name, grace_s, began, drained, ())
            for i, name in enumerate(sidecars):
                before = (*mains, *sidecars[i + 1 :])
                tasks.start_soon(self._leave, name, grace_s, began, drained, before)
            if drain and self._running:
                await self._drain(grace_s)
            drained.set()

    async def one(
        self, name: str, grace_s: float, why: str, drained: anyio.Event | None = None
    ) -> None:
        """Its preStop hook counts against the grace period, and so does waiting for `drained`."""
        running = self._running.get(name)
        if running is None:
            return
        self._say(Note("Normal", "Killing", why))
        began = self._clock.now()
        await self._before_stop(name, running, grace_s)
        if drained is not None:
            await drained.wait()
        left_s = max(grace_s - (self._clock.now() - began), min(TERM_MIN_S, grace_s))
        running.terminate()
        async with anyio.create_task_group() as race:
            race.start_soon(self._kill_later, running, left_s)
            await running.wait()
            race.cancel_scope.cancel()

    async def _leave(
        self, name: str, grace_s: float, began: float, drained: anyio.Event, before: Sequence[str]
    ) -> None:
        """`before`: who must have ended first, while there is time."""
        clock = self._clock
        first = [self._running[one] for one in before if one in self._running]
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_after, clock, max(0.0, began + grace_s - clock.now()), race)
            for one in first:
                await one.wait()
            race.cancel_scope.cancel()
        left_s = max(0.0, grace_s - (clock.now() - began))
        await self.one(name, left_s, f"Stopping container {name}", drained)

    async def _drain(self, grace_s: float) -> None:
        async with anyio.create_task_group() as race:
            race.start_soon(self._cancel_when_gone, race)
            async with anyio.create_task_group() as tasks:
                for port in self._host.sandbox.ports.values():
                    tasks.start_soon(self._drain_port, port, grace_s)
            race.cancel_scope.cancel()

    async def _drain_port(self, port: int, grace_s: float) -> None:
        await self._tools.drain.drained((self._host.sandbox.address, port), deadline_s=grace_s)

    async def _cancel_when_gone(self, race: TaskGroup) -> None:
        await self._gone.wait()
        race.cancel_scope.cancel()

    async def _before_stop(self, name: str, running: Running, grace_s: float) -> None:
        pod = self._host.pod
        container = next(c for c in pod.every_container if c.name == name)
        hooks = Hooks(pod, container, self._host.sandbox, self._tools)
        if hooks.before_stop is None or grace_s <= 0:
            return
        failure = ""
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_when_ended, running, race)
            race.start_soon(self._cancel_when_gone, race)
            race.start_soon(cancel_after, self._clock, grace_s, race)
            failure = await hooks.run(hooks.before_stop, timeout_s=grace_s)
            race.cancel_scope.cancel()
        if failure:
            _log.warning("hook failed", pod=str(pod.key), why=failure)
            self._say(Note("Warning", FAILED_PRE_STOP, "PreStopHook failed"))

    async def _kill_later(self, running: Running, grace_s: float) -> None:
        async with anyio.create_task_group() as race:
            race.start_soon(cancel_after, self._clock, grace_s, race)
            race.start_soon(self._cancel_when_gone, race)
        running.kill()
