"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio


class FakeClock:
    """Implements tanebi.base.clock.Clock. `advance` moves both times and wakes sleepers that are due."""

    def __init__(self, *, now: float = 1000.0, wall: datetime | None = None) -> None:
        self._now = now
        self._wall = wall or datetime(2026, 1, 1, tzinfo=UTC)
        self._moved = anyio.Event()

    def now(self) -> float:
        return self._now

    def wall(self) -> datetime:
        return self._wall

    async def sleep(self, seconds: float) -> None:
        due = self._now + seconds
        while self._now < due:
            await self._moved.wait()

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._wall += timedelta(seconds=seconds)
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
