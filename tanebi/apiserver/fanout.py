"""Who watches, and in which order they are told.

A committed change is put before each who watches its resource, namespace and name; that is all that the writer's turn of the loop
does for them. Where few watch they are woken in that turn. A crowd is woken a few to a turn, and between two turns the loop
serves whoever else there is; what is committed before a watcher's turn comes is told it in one piece, so that a crowd costs less
the more there is to tell. Who does not keep up is ended, and lists anew. Callers: tanebi.apiserver.store, watch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import anyio

from tanebi.apiserver.history import Change

CROWD: Final = 8  # so many at most are woken in one turn of the loop

_Group = tuple[str, str | None, str | None]


class Watcher:
    """One subscription: changes in order. Too slow a reader finds `overflowed` true at the end."""

    def __init__(self, group: _Group, backlog: list[Change], queue_max: int) -> None:
        self.group = group
        self.overflowed = False
        self.called = False  # its turn to be woken will come
        self._changes = backlog
        self._queue_max = queue_max
        self._room = queue_max
        self._over = False
        self._waiting: asyncio.Future[None] | None = None

    def offer(self, change: Change) -> bool:
        """False when the queue is full: the watcher is over then."""
        if not self._room:
            self.overflowed = True
            self.end()
            return False
        self._room -= 1
        self._changes.append(change)
        return True

    async def next(self, *, within_s: float | None = None) -> list[Change]:
        """Everything that has gathered; nothing when that takes longer than `within_s`. Raises anyio.EndOfStream."""
        if not self._changes and not self._over:
            await self._wait(within_s)
        if self._changes:
            changes, self._changes = self._changes, []
            self._room = self._queue_max
            return changes
        if self._over:
            raise anyio.EndOfStream
        return []

    async def _wait(self, within_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = loop.call_later(within_s, self.wake) if within_s is not None else None
        try:
            await self._waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def waits(self) -> bool:
        return self._waiting is not None

    @property
    def idle(self) -> bool:
        return not self._changes

    def end(self) -> None:
        """Nothing comes after what has been offered."""
        self._over = True
        self.wake()

    def close(self) -> None:
        """Nothing comes any more."""
        self._changes = []
        self.end()


class Fanout:
    """All watchers of one store."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, queue_max: int) -> None:
        self._loop = loop
        self.queue_max = queue_max
        self._groups: dict[_Group, dict[Watcher, None]] = {}  # in the order of their coming
        self._called: deque[Watcher] = deque()
        self._turning = False

    def add(
        self, resource: str, namespace: str | None, name: str | None, backlog: list[Change]
    ) -> Watcher:
        """Somebody who is told what `backlog` holds, and every change from now on. None: of any namespace, of any name."""
        group = (resource, namespace, name)
        watcher = Watcher(group, backlog, self.queue_max)
        self._groups.setdefault(group, {})[watcher] = None
        return watcher

    def drop(self, watcher: Watcher) -> None:
        """Idempotent."""
        group = self._groups.get(watcher.group)
        if group is not None:
            group.pop(watcher, None)
            if not group:
                del self._groups[watcher.group]

    def tell(self, change: Change) -> None:
        """Put `change` before all whom it concerns."""
        for group in self._concerned(change):
            at_once = len(group) <= CROWD
            slow = [watcher for watcher in group if not watcher.offer(change)]
            for watcher in group:
                if at_once:
                    watcher.wake()
                elif watcher.waits and not watcher.called:
                    watcher.called = True
                    self._called.append(watcher)
            for watcher in slow:
                self.drop(watcher)
        if self._called and not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _concerned(self, change: Change) -> Iterator[dict[Watcher, None]]:
        resource, (namespace, name) = change.resource, change.key
        for key in ((None, None), (namespace, None), (namespace, name), (None, name)):
            group = self._groups.get((resource, *key))
            if group:
                yield group

    def _turn(self) -> None:
        for _ in range(min(CROWD, len(self._called))):
            watcher = self._called.popleft()
            watcher.called = False
            watcher.wake()
        if self._called:
            self._loop.call_soon(self._turn)
        else:
            self._turning = False

    def of(self, resource: str | None = None) -> list[Watcher]:
        """Of one resource, or all."""
        groups: Iterable[tuple[_Group, dict[Watcher, None]]] = self._groups.items()
        return [w for key, group in groups if resource in (None, key[0]) for w in group]
