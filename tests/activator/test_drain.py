"""Before a pod is stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from activator.drain import GatewayDrain
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


async def test_new_requests_go_elsewhere_and_old_ones_end_first(world: Any, host: str) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def old(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        entered.set()
        await go.wait()
        writer.write(ok(b"old"))

    async with (
        world() as w,
        serving(old) as leaving,
        serving(answering(lambda head, body: ok(b"new"))) as staying,
    ):
        drain, done = GatewayDrain(w.gateway.router), asyncio.Event()
        w.pods(leaving)
        first = await w.client()
        first.get(host=host)
        await entered.wait()

        async def stop() -> None:
            await drain.drained(leaving, deadline_s=10)
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            await anyio.sleep(0.02)
            second = await w.client()
            second.get(host=host)
            await wait_until(lambda: w.backend.throttler.waiting == 1)
            w.pods(leaving, staying)
            assert (await second.answer()).body == b"new"
            assert not done.is_set()
            go.set()
            assert (await first.answer()).body == b"old"
            await wait_until(done.is_set)


async def test_the_deadline_ends_the_wait(world: Any, host: str) -> None:
    async def app(reader: Any, writer: Any) -> None:
        await reader.read(-1)

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await w.client()
        client.get(host=host)
        await wait_until(lambda: w.backend.throttler.in_flight == 1)
        await GatewayDrain(w.gateway.router).drained(address, deadline_s=0.05)


async def test_unknown_addresses_are_drained_already(world: Any) -> None:
    async with world() as w:
        await GatewayDrain(w.gateway.router).drained(("10.9.9.9", 1), deadline_s=10)
