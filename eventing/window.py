"""How many deliveries of one trigger may be under way.

Grows by one a success (so it doubles a round) until a subscriber shows distress, then by one a round; shrinks by a quarter
at each sign of distress: no answer, 429, 5xx. Towards a service here it grows whatever the answers take: sends that wait for
capacity are under way too, and they are the service's scaling demand. Towards anybody else it grows only while answers come
about as fast as ever (as TCP Vegas does): once they slow down, more at a time would only wait somewhere else.

Pure. Caller: eventing.dispatcher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

START: Final = 16.0
SIZE_MIN: Final = 4.0
SIZE_MAX: Final = 256.0
SHRINK: Final = 0.75
# Times the best answer time seen; the best is forgotten at this rate, lest one lucky answer count for ever.
SLOWER_MAX: Final = 3.0
FORGET: Final = 1.001
# Bytes of events under way; a single larger event still goes.
BYTES_MAX: Final = 32 << 20


@dataclass(slots=True)
class Window:
    size: float = START
    local: bool = False  # towards a service here
    calm: bool = True  # no distress yet: grow fast
    best_s: float = float("inf")
    open: int = 0
    bytes: int = 0

    def admits(self, size: int) -> bool:
        """Whether a delivery of `size` bytes may begin."""
        if self.open == 0:
            return True
        return self.open < self.size and self.bytes + size <= BYTES_MAX

    def begin(self, size: int) -> None:
        self.open += 1
        self.bytes += size

    def end(self, size: int, *, distress: bool, took_s: float) -> None:
        """A delivery of `size` bytes ended, `took_s` after it began."""
        assert self.open > 0, "ended more than began"
        full = self.open >= self.size - 1.0
        self.open -= 1
        self.bytes -= size
        if distress:
            self.calm = False
            self.size = max(self.size * SHRINK, SIZE_MIN)
            return
        self.best_s = min(self.best_s * FORGET, took_s)
        # Room that nobody uses proves nothing.
        if full and (self.local or took_s <= self.best_s * SLOWER_MAX):
            self.size = min(self.size + (1.0 if self.calm else 1.0 / self.size), SIZE_MAX)
