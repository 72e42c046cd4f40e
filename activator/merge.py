"""Reports of several activators as one.

Pure: `now` is passed in. What several report for the same second adds up in the autoscaler's windows by itself; only a zero must
not pass while another one still reports load for the revision, for a zero says that all is silent.
Callers: activator.hub (the others), tanebi.up.plane (the control process's own).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from autoscaler.api.stat import Stat, StatSink
from tanebi.api.meta import Key

SILENT_S: Final = 2.5  # a report stands for its second, and for one that comes late


class Merge:
    """In front of the one sink."""

    def __init__(self, sink: StatSink) -> None:
        self._sink = sink
        self._busy: dict[Key, dict[str, float]] = {}  # who reported load, and when

    def source(self, name: str) -> Source:
        return Source(self, name)

    def report(self, name: str, stats: Sequence[Stat], now: float) -> None:
        passed = [stat for stat in stats if self._passes(name, stat, now)]
        if passed:
            self._sink.report(passed, now)

    def poke(self, revision: Key, now: float) -> None:
        self._sink.poke(revision, now)

    def forget(self, name: str) -> None:
        """`name` reports no more."""
        for revision in list(self._busy):
            self._quiet(name, revision)

    def _passes(self, name: str, stat: Stat, now: float) -> bool:
        if stat.concurrency > 0 or stat.requests > 0:
            self._busy.setdefault(stat.revision, {})[name] = now
            return True
        self._quiet(name, stat.revision)
        heard = self._busy.get(stat.revision, {}).values()
        return all(now - at >= SILENT_S for at in heard)

    def _quiet(self, name: str, revision: Key) -> None:
        by_name = self._busy.get(revision)
        if by_name is not None:
            by_name.pop(name, None)
            if not by_name:
                del self._busy[revision]


class Source:
    """Implements autoscaler.api.stat.StatSink for one of them."""

    def __init__(self, merge: Merge, name: str) -> None:
        self._merge = merge
        self._name = name

    def report(self, stats: Sequence[Stat], now: float) -> None:
        self._merge.report(self._name, stats, now)

    def poke(self, revision: Key, now: float) -> None:
        self._merge.poke(revision, now)
