"""What the data plane tells the autoscaler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tanebi.api.meta import Key


@dataclass(frozen=True, slots=True)
class Stat:
    """One revision's load over one report period (1 s).

    `concurrency`: average requests in the activator, queued ones included (queued requests are demand).
    `requests`: requests that arrived, per second.
    """

    revision: Key
    concurrency: float
    requests: float


class StatSink(Protocol):
    def report(self, stats: Sequence[Stat], now: float) -> None:
        """Periodic reports, every second while a revision has load, and once more with zero."""

    def poke(self, revision: Key, now: float) -> None:
        """The first request for a revision arrived: decide now, not at the next tick. Never blocks."""
