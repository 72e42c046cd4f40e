"""Averages over the last seconds.

Pure: `now` is passed in, monotonic seconds. Values gather in buckets of one second; several in one second add up.
Linear average, with N buckets and d = whole seconds since the newest write:

    d <= 0      sum of all buckets           / min(seconds from first to last write + 1, N)
    0 < d < N   sum of those still inside    / min(seconds from first to last write + 1, N - d)
    d >= N      0

and there is no average at all, None, once d > N. A write after N or more silent seconds starts anew; one older than the
window is dropped. Weighted: newest first, the bucket i seconds before the newest counts c·(1-c)^(d+i), where c lets
99.99 % of the weight fall into the window, but is never below 0.2. Rule: reference/knative-serving.md §3.1.

The caller says what silence means: `autoscaler.loop` writes zeros while it knows that nothing arrives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

PRECISION_DIGITS: Final = 6
WEIGHT_INSIDE: Final = 0.9999
SMOOTHING_MIN: Final = 0.2
PANIC_WINDOW_MIN_S: Final = 1


def panic_seconds(stable_s: int, panic_percent: float) -> int:
    """The length of the panic window, rounded to whole seconds."""
    return max(PANIC_WINDOW_MIN_S, math.floor(stable_s * panic_percent / 100 + 0.5))


def smoothing(buckets: int) -> float:
    """The weight of the newest bucket."""
    return float(max(1 - (1 - WEIGHT_INSIDE) ** (1 / buckets), SMOOTHING_MIN))


@dataclass(slots=True)
class Window:
    """One average over `length_s` whole seconds."""

    length_s: int
    weighted: bool = False
    _buckets: list[float] = field(default_factory=list)  # ring, index: second modulo length
    _first: int | None = None
    _last: int | None = None

    def __post_init__(self) -> None:
        assert self.length_s >= 1, self.length_s
        self._buckets = [0.0] * self.length_s

    def record(self, value: float, now: float) -> None:
        second = math.floor(now)
        if self._last is None or second - self._last >= self.length_s:
            self._restart(second)
        elif second > self._last:
            for skipped in range(self._last + 1, second + 1):
                self._buckets[skipped % self.length_s] = 0.0
            self._last = second
        elif second <= self._last - self.length_s:
            return  # older than the window
        assert self._first is not None
        self._first = min(self._first, second)
        self._buckets[second % self.length_s] += value

    def average(self, now: float) -> float | None:
        """None: no data, so nothing may be decided."""
        if self._last is None or self._first is None:
            return None
        silent = max(0, math.floor(now) - self._last)
        if silent > self.length_s:
            return None
        if silent == self.length_s:
            return 0.0
        if self.weighted:
            return self._weighted(silent)
        inside = self._newest_first(self.length_s - silent)
        count = min(self._last - self._first + 1, self.length_s - silent)
        return round(math.fsum(inside) / count, PRECISION_DIGITS)

    def resized(self, length_s: int, *, weighted: bool) -> Window:
        """The same history seen through another window."""
        new = Window(length_s, weighted)
        if self._last is not None and self._first is not None:
            kept = min(length_s, self.length_s, self._last - self._first + 1)
            for age, value in reversed(list(enumerate(self._newest_first(kept)))):
                new.record(value, self._last - age)
        return new

    def _restart(self, second: int) -> None:
        self._buckets = [0.0] * self.length_s
        self._first = self._last = second

    def _newest_first(self, count: int) -> list[float]:
        assert self._last is not None
        return [self._buckets[(self._last - i) % self.length_s] for i in range(count)]

    def _weighted(self, silent: int) -> float:
        c = smoothing(self.length_s)
        terms = (
            value * c * (1 - c) ** (silent + i)
            for i, value in enumerate(self._newest_first(self.length_s - silent))
        )
        return round(math.fsum(terms), PRECISION_DIGITS)


@dataclass(slots=True)
class Meter:
    """The stable and the panic window of one measured quantity."""

    stable: Window
    panic: Window

    @classmethod
    def of(cls, stable_s: int, panic_percent: float, *, weighted: bool) -> Meter:
        panic_s = panic_seconds(stable_s, panic_percent)
        return cls(Window(stable_s, weighted), Window(panic_s, weighted))

    def record(self, value: float, now: float) -> None:
        self.stable.record(value, now)
        self.panic.record(value, now)

    def averages(self, now: float) -> tuple[float, float] | None:
        """Stable and panic average; None while there is no data in either."""
        stable, panic = self.stable.average(now), self.panic.average(now)
        if stable is None:
            return None
        return stable, panic if panic is not None else 0.0

    def resized(self, stable_s: int, panic_percent: float, *, weighted: bool) -> Meter:
        """This meter if the windows are as asked for, else one with the same history."""
        panic_s = panic_seconds(stable_s, panic_percent)
        if (stable_s, panic_s, weighted) == (
            self.stable.length_s,
            self.panic.length_s,
            self.stable.weighted,
        ):
            return self
        # The stable window remembers longer, so both new windows are filled from it.
        return Meter(
            self.stable.resized(stable_s, weighted=weighted),
            self.stable.resized(panic_s, weighted=weighted),
        )
