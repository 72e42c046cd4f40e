"""Who may go in, and who waits for it.

Pure. A breaker holds tokens and a bounded queue. Each method changes the state at once and returns the ids that are admitted by
it, oldest first; the caller tells them. Never both: a free token and somebody waiting.
Caller: activator.throttler. Bounds: reference/knative-serving.md §3.4.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from serving.api.queue_depth import QUEUE_DEPTH_DEFAULT

W = TypeVar("W", bound=Hashable)

QUEUE_MAX: Final = QUEUE_DEPTH_DEFAULT
# Tokens of a pod without containerConcurrency: more than any number of requests that can be here at once.
UNLIMITED: Final = 1 << 40


class Verdict(enum.Enum):
    ADMITTED = "admitted"
    QUEUED = "queued"
    FULL = "full"


@dataclass(slots=True)
class Breaker(Generic[W]):
    """Tokens and a queue of ids, oldest first. Change them by the methods, or as they do."""

    queue_max: int = QUEUE_MAX
    tokens: int = 0
    waiting: OrderedDict[W, None] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        """How many wait."""
        return len(self.waiting)

    def __contains__(self, who: W) -> bool:
        return who in self.waiting

    def offer(self, who: W, *, first: bool = False) -> Verdict:
        """`who` wants in. `first`: it was in before and lost its place through no fault of its own, so it waits in front."""
        if self.tokens > 0:
            self.tokens -= 1
            return Verdict.ADMITTED
        if len(self.waiting) >= self.queue_max and not first:
            return Verdict.FULL
        assert who not in self.waiting, "offered twice"
        self.waiting[who] = None
        if first:
            self.waiting.move_to_end(who, last=False)
        return Verdict.QUEUED

    def add(self, tokens: int) -> list[W]:
        """Room came free, or was added."""
        assert tokens >= 0
        self.tokens += tokens
        admitted: list[W] = []
        while self.tokens > 0 and self.waiting:
            self.tokens -= 1
            admitted.append(self.waiting.popitem(last=False)[0])
        return admitted

    def remove(self, tokens: int) -> None:
        """Unused room disappears."""
        assert 0 <= tokens <= self.tokens, "room in use cannot be removed"
        self.tokens -= tokens

    def cancel(self, who: W) -> bool:
        """`who` waits no longer. False: it did not wait."""
        if who not in self.waiting:
            return False
        del self.waiting[who]
        return True
