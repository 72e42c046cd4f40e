"""A run, or two side by side, as text: numbers, curves, and the reason of each change. Pure. Caller: tanebi.cli.simulate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tanebi.api.durations import format_go
from tanebi.simulate.result import PERCENTILES, Result, Samples, most

COLUMNS: Final = 64
ROWS: Final = 4
BLOCKS: Final = " ▁▂▃▄▅▆▇█"
CHANGES_SHOWN: Final = 20
Cell = Callable[[Result], str]


@dataclass(frozen=True, slots=True)
class Panel:
    """One curve: its title and where its values are."""

    title: str
    values: Callable[[Samples], Sequence[int]]


PANELS: Final = (
    Panel("requests a second", lambda s: most(s.arrived, COLUMNS)),
    Panel("requests at pods", lambda s: most(s.busy, COLUMNS)),
    Panel("queue", lambda s: most(s.queue, COLUMNS)),
    Panel("pods ready", lambda s: most(s.ready, COLUMNS)),
)


def render(head: str, results: Sequence[Result], *, changes_max: int = CHANGES_SHOWN) -> str:
    """The whole report; ends with a newline."""
    lines = [head, "", *_numbers(results)]
    tops = [max(max(panel.values(r.samples), default=0) for r in results) for panel in PANELS]
    for result in results:
        name = f" · {result.name}" if len(results) > 1 else ""
        for panel, top in zip(PANELS, tops, strict=True):
            if top:
                lines += ["", f"{panel.title}{name}", *chart(panel.values(result.samples), top)]
        lines += [_axis(result), "", *_changes(result, name, changes_max)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def chart(values: Sequence[int], top: int) -> Iterator[str]:
    """Rows of blocks, the highest first; the label is what the top stands for. What is more than 0 shows."""
    steps = len(BLOCKS) - 1
    heights = [max(1, round(v / top * ROWS * steps)) if v else 0 for v in values]
    for row in reversed(range(ROWS)):
        label = str(top) if row == ROWS - 1 else "0" if row == 0 else ""
        cells = (BLOCKS[min(max(height - row * steps, 0), steps)] for height in heights)
        yield f"{label:>7} │{''.join(cells)}"


def _axis(result: Result) -> str:
    width = min(COLUMNS, len(result.samples.ready))
    end = format_go(result.ended_at)
    return f"{'':>7} └{'0s':─<{max(2, width - len(end))}}{end}"


# --- numbers ---
def seconds(value: float | None) -> str:
    """`12 ms`, `1.24 s`; `-` for None."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _percentile(percent: float) -> tuple[str, Cell]:
    label = "latency, longest" if percent == 100 else f"latency p{percent:g}"
    return label, lambda r: seconds(r.latency(percent))


_CELLS: Final[tuple[tuple[str, Cell], ...]] = (
    ("requests", lambda r: str(r.arrivals)),
    ("answered", lambda r: str(r.answered)),
    ("refused or timed out", lambda r: str(r.refused)),
    *(_percentile(percent) for percent in PERCENTILES),
    ("waited for room", lambda r: str(r.waited)),
    ("waited with no pod ready", lambda r: str(r.waited_cold)),
    ("longest queue", lambda r: str(r.queue_most)),
    ("cold starts from zero", lambda r: str(r.wakes)),
    ("pods started", lambda r: str(r.pods_started)),
    ("most pods", lambda r: str(r.pods_most)),
    ("pod-seconds", lambda r: f"{r.pod_seconds:.0f}"),
)


def _numbers(results: Sequence[Result]) -> Iterator[str]:
    rows = [(label, *(cell(result) for result in results)) for label, cell in _CELLS]
    if len(results) > 1:
        rows.insert(0, ("", *(result.name for result in results)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(results) + 1)]
    for row in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "   ".join((f"{row[0]:<{widths[0]}}", *cells))


# --- reasons ---
def _changes(result: Result, name: str, changes_max: int) -> Iterator[str]:
    if not result.changes:
        yield f"pods never changed{name}"
        return
    yield f"changes{name}"
    for change in result.changes[:changes_max]:
        arrow = f"{change.before} → {change.after}"
        yield f"{_clock(change.at):>11}  {arrow:<9}  {change.why}"
    hidden = len(result.changes) - changes_max
    if hidden > 0:
        yield f"… and {hidden} more: --all shows them"


def _clock(at: float) -> str:
    """`0:01:02.5`: hours, minutes, seconds."""
    tenths = round(at * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest / 10:04.1f}"
