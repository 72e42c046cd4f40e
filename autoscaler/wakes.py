"""Where the time of a cold start went, phase by phase.

Pure. Three parts know a piece each: the autoscaler when it decided, the kubelet when a container was started, the data plane when
the request came, found a pod, and was answered. The phases follow one another without a gap:

    route        from the request's head to its revision
    decide       until the autoscaler wants a pod
    create       until the pod's container is started: reconcilers, writes, the runtime
    boot         until the app is asked the question that it answers
    probe        that question
    first-byte   from the pod's slot to the head of the answer

Of the requests that waited for one wake-up the first that is answered tells of it. Caller: autoscaler.loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from autoscaler.api.wake import Wake
from tanebi.api.meta import Key

PHASES: Final = ("route", "decide", "create", "boot", "probe", "first-byte")
OPEN_MAX: Final = 4096  # wake-ups under way; of more nothing is told


@dataclass(frozen=True, slots=True)
class _Marks:
    decided_at: float
    started_at: float | None = None


@dataclass(slots=True)
class WakeBook:
    """The wake-ups under way."""

    _open: dict[Key, _Marks] = field(default_factory=dict)

    def decided(self, revision: Key, now: float) -> None:
        """A revision without pods shall have some. A wake-up that nobody told the end of is forgotten."""
        if revision in self._open or len(self._open) < OPEN_MAX:
            self._open[revision] = _Marks(now)

    def started(self, revision: Key, now: float) -> None:
        """A container was started, or a frozen one woken. The first one counts."""
        marks = self._open.get(revision)
        if marks is not None and marks.started_at is None:
            self._open[revision] = replace(marks, started_at=now)

    def woke(self, wake: Wake) -> Mapping[str, float] | None:
        """Seconds by phase. None: somebody else of the same wake-up told it, or there was none to tell of."""
        marks = self._open.get(wake.revision)
        if marks is None or marks.started_at is None or wake.granted_at < marks.started_at:
            return None
        del self._open[wake.revision]
        routed_at = wake.asked_at + wake.route_s
        moments = (
            wake.asked_at,
            routed_at,
            max(routed_at, marks.decided_at),
            marks.started_at,
            max(marks.started_at, wake.granted_at - wake.probe_s),
            wake.granted_at,
            wake.answered_at,
        )
        pairs = zip(PHASES, moments, moments[1:], strict=False)
        return {phase: max(0.0, end - begin) for phase, begin, end in pairs}

    def forget(self, revision: Key) -> None:
        self._open.pop(revision, None)
