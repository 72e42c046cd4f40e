"""What `tanebi describe revision` says of cold starts: how many, and where their time went, from the platform's histogram."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tanebi.cli.tables import layout

METRIC: Final = "tanebi_cold_start_phase_seconds"
PHASES: Final = ("route", "decide", "create", "boot", "probe", "first-byte")
SHARES: Final = (0.5, 0.9)
_LINE: Final = re.compile(rf"{METRIC}_(bucket|count|sum){{(.*)}} (\S+)$")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(slots=True)
class Phase:
    """One phase's histogram: cumulated counts by upper bound in seconds, ascending, the last one infinite."""

    count: float = 0.0
    sum_s: float = 0.0
    buckets: list[tuple[float, float]] = field(default_factory=list)

    def quantile_s(self, share: float) -> float:
        """As Prometheus' histogram_quantile: evenly spread within a bucket; of the last one, its lower bound."""
        wanted, low, before = share * self.count, 0.0, 0.0
        for bound, total in self.buckets:
            if total >= wanted:
                if bound == float("inf") or total == before:
                    return low
                return low + (bound - low) * (wanted - before) / (total - before)
            low, before = bound, total
        return low


def read(lines: Iterable[str], namespace: str, revision: str) -> dict[str, Phase]:
    """The phases of one revision, from a scrape."""
    found: dict[str, Phase] = {}
    for line in lines:
        match = _LINE.match(line.strip())
        if match is None:
            continue
        labels = dict(_LABEL.findall(match[2]))
        if (labels.get("namespace"), labels.get("revision")) != (namespace, revision):
            continue
        phase, value = found.setdefault(labels["phase"], Phase()), float(match[3])
        match match[1]:
            case "bucket":
                phase.buckets.append((float(labels["le"]), value))
            case "count":
                phase.count = value
            case "sum":
                phase.sum_s = value
    return found


def section(phases: dict[str, Phase]) -> Iterator[str]:
    """The block of a description; nothing for a revision that never woke."""
    known = [(name, phases[name]) for name in PHASES if name in phases]
    if not known:
        return
    count = max(phase.count for _, phase in known)
    yield ""
    yield f"Cold starts: {count:.0f}"
    rows = [
        [name, *(_ms(phase.quantile_s(share)) for share in SHARES), _ms(phase.sum_s / phase.count)]
        for name, phase in known
        if phase.count
    ]
    for line in layout([["PHASE", "P50", "P90", "MEAN"], *rows]):
        yield f"  {line}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}ms" if seconds < 1 else f"{seconds:.2f}s"
