"""What waits to be looked at: each item once, however often it is put in. Callers: the collectors."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

import anyio

T = TypeVar("T", bound=Hashable)

BATCH_MAX: Final = 64


class Inbox(Generic[T]):
    """A set with a bell. Bounded by what it holds keys of, because equal items collapse."""

    def __init__(self) -> None:
        self._waiting: dict[T, None] = {}
        self._bell = anyio.Event()

    def put(self, item: T) -> None:
        self._waiting[item] = None
        self._bell.set()

    async def take(self) -> list[T]:
        """Up to BATCH_MAX items, oldest first; waits for at least one."""
        while not self._waiting:
            self._bell = anyio.Event()
            await self._bell.wait()
        batch = list(self._waiting)[:BATCH_MAX]
        for item in batch:
            del self._waiting[item]
        return batch

    def __len__(self) -> int:
        return len(self._waiting)
