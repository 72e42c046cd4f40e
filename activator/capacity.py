"""Room at a revision for requests that start inside the process (event deliveries).

Implements activator.api.capacity.Capacity. A wait counts as demand exactly as a queued request does, and wakes a sleeping
revision. Callers: eventing's dispatcher through the protocol, activator.courier.
"""

from __future__ import annotations

import asyncio

from activator.backend import Backend
from activator.breaker import Verdict
from activator.meter import Meter
from activator.router import Hit, Router
from activator.throttler import Target
from tanebi.api.meta import Key
from tanebi.base.clock import Clock
from tanebi.http.errors import CapacityTimeout
from tanebi.http.pool import Address


class HeldSlot:
    """Room for one request at one pod. Implements activator.api.capacity.Slot."""

    __slots__ = ("_backend", "_clock", "_meter", "_target")

    def __init__(self, backend: Backend, target: Target, meter: Meter, clock: Clock) -> None:
        self._backend = backend
        self._target: Target | None = target
        self._meter: Meter | None = meter
        if target.peer:  # the one that has the pods counts the request
            meter.leave(clock.now())
            self._meter = None
        self._clock = clock

    @property
    def address(self) -> Address:
        assert self._target is not None, "released"
        return self._target.address

    @property
    def is_peer(self) -> bool:
        """The address is another activator's: it must be told the revision (activator.forward.peer_lines)."""
        return self._target is not None and self._target.peer

    @property
    def revision(self) -> Key:
        return self._backend.key

    def release(self) -> None:
        target, self._target = self._target, None
        assert target is not None, "released twice"
        if self._meter is not None:
            self._meter.leave(self._clock.now())
        self._backend.release(target)


class _Wait:
    """One who waits for room. Implements activator.backend.Waiter."""

    __slots__ = ("granted",)

    def __init__(self, granted: asyncio.Future[Target]) -> None:
        self.granted = granted

    def on_granted(self, target: Target) -> None:
        self.granted.set_result(target)


class GatewayCapacity:
    """Capacity of everything the router knows."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    async def acquire(self, host: str, path: str, *, wait_s: float) -> HeldSlot | None:
        """See activator.api.capacity.Capacity."""
        name = host.encode("latin-1", "replace")
        route = self._router.route(name)
        if route is None or route.handler is not None:
            return None
        hit = self._router.choose(route, path.encode("latin-1", "replace"), ())
        return await self.acquire_at(hit, wait_s=wait_s) if hit is not None else None

    async def acquire_at(self, hit: Hit, *, wait_s: float) -> HeldSlot:
        """A slot at `hit`. Raises CapacityTimeout, also at once when the queue is full."""
        backend = hit.backend
        meter = backend.arrive(self._clock.now())
        waiter = _Wait(asyncio.get_running_loop().create_future())
        found = backend.acquire(waiter)
        if isinstance(found, Target):
            return HeldSlot(backend, found, meter, self._clock)
        if found is Verdict.FULL:
            meter.leave(self._clock.now())
            raise CapacityTimeout("queue-full", f"the queue of revision {backend.key} is full")
        return await self._wait(backend, waiter, meter, wait_s)

    async def _wait(self, backend: Backend, waiter: _Wait, meter: Meter, wait_s: float) -> HeldSlot:
        try:
            async with asyncio.timeout(wait_s):
                target = await waiter.granted
        except BaseException as error:
            if not backend.cancel(waiter) and _was_granted(waiter.granted):
                backend.release(waiter.granted.result())
            meter.leave(self._clock.now())
            if isinstance(error, TimeoutError):
                text = f"no pod of revision {backend.key} had room within {wait_s:g} s"
                raise CapacityTimeout("capacity-timeout", text) from error
            raise
        return HeldSlot(backend, target, meter, self._clock)


def _was_granted(granted: asyncio.Future[Target]) -> bool:
    return granted.done() and not granted.cancelled()
