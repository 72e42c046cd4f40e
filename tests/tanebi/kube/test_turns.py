from __future__ import annotations

import asyncio

import anyio
import pytest

from tanebi.kube.turns import Turns

pytestmark = pytest.mark.anyio


async def test_others_run_between_two_passes_of_a_crowd() -> None:
    turns, order = Turns(), list[str]()

    async def one() -> None:
        await turns.take(urgent=False)
        order.append("pass")

    async def other() -> None:
        for _ in range(3):
            order.append("other")
            await asyncio.sleep(0)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
        tasks.start_soon(other)
    assert order.count("pass") == 4
    assert "pass pass" not in " ".join(order[:5])


async def test_who_is_waited_for_goes_first() -> None:
    turns, order = Turns(), list[str]()

    async def one(name: str, *, urgent: bool) -> None:
        await turns.take(urgent=urgent)
        order.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one("first", urgent=False))
        tasks.start_soon(lambda: one("patient", urgent=False))
        tasks.start_soon(lambda: one("urgent", urgent=True))
    assert order == ["first", "urgent", "patient"]


async def test_alone_nobody_waits_and_the_cancelled_lose_no_turn_for_others() -> None:
    turns = Turns()
    await turns.take(urgent=False)
    async with anyio.create_task_group() as tasks:
        scope = anyio.CancelScope()

        async def cancelled() -> None:
            with scope:
                await turns.take(urgent=True)

        tasks.start_soon(cancelled)
        tasks.start_soon(lambda: turns.take(urgent=False))
        scope.cancel()
    await turns.take(urgent=False)
