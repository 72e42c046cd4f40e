"""A run, or two, as a picture: three panels over one time axis, a colour for each setting. Pure. Caller: tanebi.cli.simulate."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from tanebi.api.durations import format_go
from tanebi.simulate.result import Result, Samples, most

WIDTH: Final = 900
LEFT: Final = 60
RIGHT: Final = 20
TOP: Final = 60
PANEL: Final = 130
GAP: Final = 36
POINTS: Final = 400
TIME_MARKS: Final = 6
COLOURS: Final = ("#c8553d", "#2a6f97", "#588157", "#6d597a")


@dataclass(frozen=True, slots=True)
class Panel:
    """`shared`: the same for every setting, so it is drawn once."""

    title: str
    values: Callable[[Samples], array[int]]
    shared: bool = False


PANELS: Final = (
    Panel("requests a second", lambda s: s.arrived, shared=True),
    Panel("requests at pods", lambda s: s.busy),
    Panel("queue", lambda s: s.queue),
    Panel("pods ready", lambda s: s.ready),
)
HEIGHT: Final = TOP + len(PANELS) * (PANEL + GAP)


def draw(head: str, results: Sequence[Result]) -> str:
    """A whole SVG document; ends with a newline."""
    end_s = max(result.ended_at for result in results)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(head)}</text>',
        *_legend(results),
    ]
    for number, panel in enumerate(PANELS):
        lines += _panel(panel, TOP + number * (PANEL + GAP), results, end_s)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _legend(results: Sequence[Result]) -> Iterator[str]:
    for number, result in enumerate(results):
        yield (
            f'<text x="{LEFT + number * 400}" y="42" fill="{_colour(number)}">'
            f"{escape(result.name)}: {result.pod_seconds:.0f} pod-seconds</text>"
        )


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _panel(panel: Panel, y: int, results: Sequence[Result], end_s: float) -> Iterator[str]:
    shown = results[:1] if panel.shared else results
    top = max((max(panel.values(r.samples), default=0) for r in shown), default=0) or 1
    bottom = y + PANEL
    yield f'<text x="{LEFT}" y="{y + 10}" fill="#555">{panel.title}</text>'
    yield f'<text x="{LEFT - 6}" y="{y + 24}" text-anchor="end" fill="#555">{top}</text>'
    yield f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end" fill="#555">0</text>'
    yield f'<path d="M{LEFT} {y + 16}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#999"/>'
    for mark in range(TIME_MARKS + 1):
        x = LEFT + (WIDTH - LEFT - RIGHT) * mark / TIME_MARKS
        label = format_go(round(end_s * mark / TIME_MARKS))
        yield (
            f'<text x="{x:.0f}" y="{bottom + 14}" text-anchor="middle" fill="#555" '
            f'font-size="10">{label}</text>'
        )
    for number, result in enumerate(shown):
        path = _steps(panel.values(result.samples), bottom, top, result.ended_at / end_s)
        colour = "#444" if panel.shared else _colour(number)
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _steps(values: array[int], bottom: int, top: int, share: float) -> str:
    """A staircase: each value lasts until the next. `share` of the axis is covered."""
    points = most(values, POINTS)
    width = (WIDTH - LEFT - RIGHT) * share / max(1, len(points))
    path = [f"M{LEFT} {bottom}"]
    for number, value in enumerate(points):
        path.append(f"V{bottom - value / top * (PANEL - 16):.1f}")
        path.append(f"H{LEFT + (number + 1) * width:.1f}")
    return "".join(path)
