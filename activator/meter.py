"""How busy one revision is: the average number of requests here over a report period, queued ones included.

Pure: `now` is given. Queued requests are demand (reference/knative-serving.md §3.4), so a request counts from its arrival until
its answer is out. Caller: activator.backend; activator.reporter reads.
"""

from __future__ import annotations


class Meter:
    """The integral of concurrency over time, and how many requests arrived."""

    __slots__ = ("_area", "_at", "_began", "_requests", "concurrency")

    def __init__(self, now: float) -> None:
        self.concurrency = 0
        self._requests = 0
        self._area = 0.0  # request-seconds since the period began
        self._at = now
        self._began = now

    def arrive(self, now: float) -> None:
        self._area += self.concurrency * (now - self._at)
        self._at = now
        self.concurrency += 1
        self._requests += 1

    def leave(self, now: float) -> None:
        assert self.concurrency > 0, "left without arriving"
        self._area += self.concurrency * (now - self._at)
        self._at = now
        self.concurrency -= 1

    def take(self, now: float) -> tuple[float, float]:
        """Average concurrency, and requests a second, since the last take. Begins a new period."""
        self._area += self.concurrency * (now - self._at)
        elapsed = now - self._began
        average = self._area / elapsed if elapsed > 0 else float(self.concurrency)
        rate = self._requests / elapsed if elapsed > 0 else float(self._requests)
        self._area, self._requests, self._at, self._began = 0.0, 0, now, now
        return average, rate
