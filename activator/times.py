"""Where the time of one request went, and how a client is told: the Server-Timing header.

Pure. A client asks with `Tanebi-Server-Timing: 1`, or a revision says it to everybody with its annotation
`tanebi.dev/server-timing: "true"`; nobody else is told. Callers: activator.carriage, activator.metrics.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the head of a request to the first byte of its answer, one phase after the other."""

    route_s: float = 0.0  # finding its revision
    queue_s: float = 0.0  # waiting for a slot while pods were there
    wake_s: float = 0.0  # waiting for the first pod
    app_s: float = (
        0.0  # from its slot to the head of the answer: connecting too; 0 when there is none
    )

    @property
    def total_s(self) -> float:
        return self.route_s + self.queue_s + self.wake_s + self.app_s

    @property
    def waited_s(self) -> float:
        return self.queue_s + self.wake_s


def server_timing(times: Times) -> bytes:
    """The header's value; milliseconds (W3C Server Timing)."""
    return b"route;dur=%.3f, queue;dur=%.3f, wake;dur=%.3f, app;dur=%.3f" % (
        times.route_s * 1e3,
        times.queue_s * 1e3,
        times.wake_s * 1e3,
        times.app_s * 1e3,
    )
