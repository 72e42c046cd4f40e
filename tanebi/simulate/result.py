"""What one simulated run leaves: counters, a line of samples a second, and the changes. Pure. Callers: engine, report, svg."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tanebi.simulate.scaler import Change

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 100.0)


def _ints() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Samples:
    """One entry a second, beginning with second 0."""

    arrived: array[int] = field(default_factory=_ints)  # during the second before
    busy: array[int] = field(default_factory=_ints)  # requests at pods
    queue: array[int] = field(default_factory=_ints)
    wanted: array[int] = field(default_factory=_ints)
    ready: array[int] = field(default_factory=_ints)


@dataclass(slots=True)
class Result:
    """One run of one setting. Times are seconds; `latencies` are those of answered requests, ascending once the run is over."""

    name: str
    arrivals: int = 0
    answered: int = 0
    refused: int = 0
    waited: int = 0
    waited_cold: int = 0  # no pod was ready when they came
    wakes: int = 0
    pods_started: int = 0
    pods_most: int = 0
    queue_most: int = 0
    busiest_pod: int = 0
    pod_seconds: float = 0.0
    ended_at: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    samples: Samples = field(default_factory=Samples)
    changes: list[Change] = field(default_factory=list)

    def latency(self, percent: float) -> float | None:
        """The nearest rank; None when nothing was answered."""
        if not self.latencies:
            return None
        rank = math.ceil(percent / 100 * len(self.latencies))
        return self.latencies[max(0, rank - 1)]


def most(values: array[int], columns: int) -> list[int]:
    """The largest value in each of `columns` equal spans (fewer when there are fewer values)."""
    count = min(columns, len(values))
    edges = [column * len(values) // count for column in range(count + 1)] if count else []
    return [max(values[a:b]) for a, b in pairwise(edges)]
