"""Who is told what, a crowd in turns, and those who do not keep up."""

from __future__ import annotations

import asyncio
import itertools

import anyio
import pytest

from tanebi.api.meta import Key
from tanebi.apiserver.fanout import CROWD, Fanout, Watcher
from tanebi.apiserver.history import Change, Entry

pytestmark = pytest.mark.anyio


def change(rv: int, namespace: str = "ns", name: str = "a", resource: str = "things") -> Change:
    meta = {"namespace": namespace, "name": name, "resourceVersion": str(rv)}
    return Change("ADDED", resource, Key(namespace, name), Entry.of({"metadata": meta}, rv), None)


def fanout(queue_max: int = 10) -> Fanout:
    return Fanout(asyncio.get_running_loop(), queue_max=queue_max)


async def told(watcher: Watcher) -> list[int]:
    return [change.rv for change in await watcher.next(within_s=0)]


@pytest.mark.parametrize(
    ("namespace", "name", "expected"),
    [
        (None, None, [1, 2, 3]),
        ("ns", None, [1, 2]),
        ("ns", "a", [1]),
        (None, "a", [1, 3]),
        ("else", None, []),
    ],
)
async def test_each_is_told_what_it_watches(
    namespace: str | None, name: str | None, expected: list[int]
) -> None:
    made = fanout()
    watcher = made.add("things", namespace, name, [])
    for each in (change(1), change(2, name="b"), change(3, "other"), change(4, resource="others")):
        made.tell(each)
    assert await told(watcher) == expected
    made.drop(watcher)
    made.drop(watcher)
    assert made.of() == []


async def test_what_it_missed_comes_before_what_is_new() -> None:
    made = fanout()
    watcher = made.add("things", None, None, [change(1), change(2)])
    made.tell(change(3))
    assert await told(watcher) == [1, 2, 3]
    assert watcher.idle


async def test_few_are_woken_at_once_and_a_crowd_a_few_to_a_turn() -> None:
    made = fanout()
    ready: list[int] = []

    async def wait(number: int, watcher: Watcher) -> None:
        await watcher.next()
        ready.append(number)

    crowd = [made.add("things", None, None, []) for _ in range(3 * CROWD)]
    few = made.add("others", None, None, [])
    async with anyio.create_task_group() as tasks:
        for number, watcher in enumerate([*crowd, few]):
            tasks.start_soon(wait, number, watcher)
        await anyio.wait_all_tasks_blocked()
        made.tell(change(1))
        made.tell(change(2, resource="others"))
        seen = [0]
        while len(ready) <= 3 * CROWD:
            await asyncio.sleep(0)
            seen.append(len(ready))
    # No turn of the loop wakes more than CROWD of the crowd, and the other one need not wait for any of them.
    assert max(b - a for a, b in itertools.pairwise(seen)) <= CROWD + 1
    assert ready[0] == 3 * CROWD
    assert ready[1:] == list(range(3 * CROWD))


async def test_what_comes_before_its_turn_is_told_in_one_piece() -> None:
    made = fanout()
    pieces: list[list[int]] = []

    async def wait(watcher: Watcher) -> None:
        pieces.append([each.rv for each in await watcher.next()])

    async with anyio.create_task_group() as tasks:
        for _ in range(2 * CROWD):
            tasks.start_soon(wait, made.add("things", None, None, []))
        await anyio.wait_all_tasks_blocked()
        made.tell(change(1))
        made.tell(change(2))
    assert pieces == [[1, 2]] * (2 * CROWD)


async def test_who_does_not_keep_up_is_ended_and_the_others_are_not() -> None:
    made = fanout(queue_max=2)
    slow, quick = (made.add("things", None, None, []) for _ in range(2))
    for rv in range(1, 6):
        made.tell(change(rv))
        assert await told(quick) == [rv]
    assert await told(slow) == [1, 2]
    assert slow.overflowed
    with pytest.raises(anyio.EndOfStream):
        await slow.next()
    assert made.of() == [quick]


async def test_an_end_comes_after_what_was_offered_and_a_close_at_once() -> None:
    made = fanout()
    ended, closed = (made.add("things", None, None, []) for _ in range(2))
    made.tell(change(1))
    ended.end()
    closed.close()
    assert await told(ended) == [1]
    for watcher in (ended, closed):
        with pytest.raises(anyio.EndOfStream):
            await watcher.next()
        assert not watcher.overflowed


async def test_a_wait_has_an_end_and_may_be_cancelled() -> None:
    watcher = fanout().add("things", None, None, [])
    assert await watcher.next(within_s=0.001) == []
    with anyio.move_on_after(0.001) as scope:
        await watcher.next()
    assert scope.cancelled_caught
    assert not watcher.waits
