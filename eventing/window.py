"""How many deliveries of one trigger may be under way.

Grows by one a success (so it doubles a round) until a subscriber shows distress, then by one a round; shrinks by a quarter
at each sign of distress: no answer, 429, 5xx. Sends that wait for capacity at a service here are under way too: they are its
scaling demand. Pure. Caller: eventing.dispatcher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

START: Final = 16.0
SIZE_MIN: Final = 4.0
SIZE_MAX: Final = 256.0
SHRINK: Final = 0.75
# Bytes of events under way; a single larger event still goes.
BYTES_MAX: Final = 32 << 20


@dataclass(slots=True)
class Window:
    size: float = START
    calm: bool = True  # no distress yet: grow fast
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

    def end(self, size: int, *, distress: bool) -> None:
        """A delivery ended."""
        assert self.open > 0, "ended more than began"
        full = self.open >= self.size - 1.0
        self.open -= 1
        self.bytes -= size
        if distress:
            self.calm = False
            self.size = max(self.size * SHRINK, SIZE_MIN)
        elif full:  # room nobody uses proves nothing
            self.size = min(self.size + (1.0 if self.calm else 1.0 / self.size), SIZE_MAX)
