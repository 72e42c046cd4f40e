"""What waits to be looked at."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from tanebi.apiserver.inbox import BATCH_MAX, Inbox

pytestmark = pytest.mark.anyio


async def test_equal_items_collapse_and_order_is_kept() -> None:
    inbox = Inbox[str]()
    for item in "abab":
        inbox.put(item)
    assert len(inbox) == 2
    assert await inbox.take() == ["a", "b"]


async def test_take_waits_and_is_woken() -> None:
    inbox = Inbox[int]()
    taken: list[int] = []

    async def taker() -> None:
        taken.extend(await inbox.take())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(taker)
            await anyio.lowlevel.checkpoint()
            assert taken == []
            inbox.put(1)
    assert taken == [1]


async def test_batches_are_bounded() -> None:
    inbox = Inbox[int]()
    for i in range(BATCH_MAX + 1):
        inbox.put(i)
    assert len(await inbox.take()) == BATCH_MAX
    assert await inbox.take() == [BATCH_MAX]
