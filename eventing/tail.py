"""The newest events of a stream, in memory, so that triggers that keep up never read the disk. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from eventing.events import Event

TAIL_BYTES_MAX: Final = 8 << 20
TAIL_EVENTS_MAX: Final = 8192


@dataclass(slots=True, eq=False)
class Tail:
    """Consecutive events from sequence number `first` on. The oldest go when there are too many."""

    first: int
    _events: deque[Event] = field(default_factory=deque)
    _sizes: deque[int] = field(default_factory=deque)
    _bytes: int = 0

    def __contains__(self, seq: int) -> bool:
        return self.first <= seq < self.first + len(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, seq: int) -> Event:
        return self._events[seq - self.first]

    def get(self, seq: int) -> Event | None:
        return self._events[seq - self.first] if seq in self else None

    def append(self, event: Event, size: int) -> None:
        self._events.append(event)
        self._sizes.append(size)
        self._bytes += size
        while self._bytes > TAIL_BYTES_MAX or len(self._events) > TAIL_EVENTS_MAX:
            self._drop_first()

    def drop_through(self, seq: int) -> None:
        """Nobody will ask for events up to `seq` any more."""
        while self._events and self.first <= seq:
            self._drop_first()

    def _drop_first(self) -> None:
        self._events.popleft()
        self._bytes -= self._sizes.popleft()
        self.first += 1
