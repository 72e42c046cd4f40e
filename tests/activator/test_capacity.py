"""Room for requests that start inside the process."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from activator.capacity import GatewayCapacity, HeldSlot
from activator.facts import RevisionFacts
from tanebi.base.clock import SystemClock
from tanebi.http.errors import CapacityTimeout
from tanebi.http.messages import HttpResponse

pytestmark = pytest.mark.anyio

POD = ("127.0.0.1", 1)


class Handler:
    body_max = 1

    async def handle(self, request: object) -> HttpResponse:
        return HttpResponse(200)


async def test_a_slot_counts_until_it_is_released(world: Any, host: str, revision: Any) -> None:
    async with world(RevisionFacts(concurrency=1)) as w:
        capacity = GatewayCapacity(w.gateway.router, SystemClock())
        w.pods(POD)
        slot = await capacity.acquire(host, "/", wait_s=1)
        assert slot is not None
        assert (slot.address, slot.revision) == (POD, revision)
        assert w.backend.throttler.in_flight == 1
        with pytest.raises(CapacityTimeout, match=r"within 0\.05 s"):
            await capacity.acquire(host, "/", wait_s=0.05)
        assert w.backend.throttler.waiting == 0
        slot.release()
        with pytest.raises(AssertionError, match="twice"):
            slot.release()
        assert w.backend.meter.concurrency == 0


async def test_a_wait_is_demand_and_ends_when_a_pod_comes(
    world: Any, host: str, revision: Any
) -> None:
    async with world() as w, anyio.create_task_group() as tasks:
        capacity = GatewayCapacity(w.gateway.router, SystemClock())
        slots: list[HeldSlot | None] = []

        async def wait() -> None:
            slots.append(await capacity.acquire(host, "/", wait_s=5))

        tasks.start_soon(wait)
        await anyio.sleep(0.02)
        assert w.sink.pokes == [revision]
        assert w.backend.meter.concurrency == 1
        w.pods(POD)
        await anyio.sleep(0.02)
        assert slots[0] is not None
        slots[0].release()


async def test_a_cancelled_wait_gives_back_what_it_was_granted(world: Any, host: str) -> None:
    async with world(RevisionFacts(concurrency=1)) as w:
        capacity = GatewayCapacity(w.gateway.router, SystemClock())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: capacity.acquire(host, "/", wait_s=5))
            await anyio.sleep(0.02)
            w.pods(POD)  # granted, but the waiter has not run yet
            assert w.backend.throttler.in_flight == 1
            tasks.cancel_scope.cancel()
        assert w.backend.throttler.in_flight in (0, 1)
        slot = (
            await capacity.acquire(host, "/", wait_s=1)
            if w.backend.throttler.in_flight == 0
            else None
        )
        if slot is not None:
            slot.release()


async def test_hosts_that_are_not_ours(world: Any, host: str, revision: Any) -> None:
    async with world() as w:
        capacity = GatewayCapacity(w.gateway.router, SystemClock())
        w.gateway.mount(["mounted"], Handler())
        assert await capacity.acquire("nobody.example", "/", wait_s=1) is None
        assert await capacity.acquire("mounted", "/", wait_s=1) is None
        w.gateway.router.remove_revision(revision)
        assert await capacity.acquire(host, "/", wait_s=1) is None


async def test_a_full_queue_is_told_at_once(world: Any, host: str) -> None:
    async with world() as w:
        capacity = GatewayCapacity(w.gateway.router, SystemClock())
        w.backend.throttler._breaker.queue_max = 0
        with pytest.raises(CapacityTimeout, match="full"):
            await capacity.acquire(host, "/", wait_s=5)
        assert w.backend.meter.concurrency == 0
