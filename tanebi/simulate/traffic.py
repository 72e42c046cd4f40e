"""When requests arrive and how long each takes: from a named generator or from a trace.

Pure: chance is passed in. A generator is written `NAME:key=value,...` over a duration; rates are requests a second:

    poisson   rate=10                       at random, always at the same rate
    step      low=1 high=20 at=(a third)    from one rate to another
    ramp      low=0 high=50                 evenly up, from the beginning to the end
    spike     low=1 high=100 at=(half) for=30s
    diurnal   low=1 high=50 period=24h      a wave, lowest at the beginning

Arrivals follow the rate evenly; `random=1` makes them a Poisson process of that rate, as `poisson` always is.
A trace is CSV: seconds of arrival and, optionally, seconds of service; a head line and `#` lines are skipped.
Caller: tanebi.cli.simulate.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.base.rng import Rng, system_rng
from tanebi.simulate.distribution import Distribution, parse_seconds

DURATION_MAX_S: Final = 7 * 24 * 3600.0
REQUESTS_MAX: Final = 10_000_000
SLICE_S: Final = 0.1
SLICES_MAX: Final = 100_000
EVEN_FIRST: Final = 0.5  # evenly spaced arrivals begin half a gap in

Rate = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests in order of arrival: seconds since the beginning, and seconds of service."""

    name: str
    at: array[float]
    service: array[float]
    duration_s: float


def traffic_rng(seed: int) -> Rng:
    """The chance of one seed's traffic: every setting that is tried with this seed meets the same requests."""
    return system_rng(2 * seed + 1)


def generate(text: str, duration_s: float, service: Distribution, rng: Rng) -> Traffic:
    """Traffic of a named generator. Raises ValueError."""
    if not 0 < duration_s <= DURATION_MAX_S:
        raise ValueError(f"a duration is more than 0 and at most 168h, not {duration_s:g}s")
    name, _, rest = text.partition(":")
    if name not in _DEFAULTS:
        raise ValueError(f"no generator {name!r}; there are {', '.join(_DEFAULTS)}")
    values = _values(name, rest, duration_s)
    by_chance = name == "poisson" or values.get("random", 0.0) > 0
    at = array("d")
    for moment in _arrivals(
        _RATES[name](values, duration_s), duration_s, rng if by_chance else None
    ):
        if len(at) >= REQUESTS_MAX:
            raise ValueError(f"more than {REQUESTS_MAX} requests")
        at.append(moment)
    return Traffic(text, at, array("d", (service.sample(rng) for _ in at)), duration_s)


def read_trace(lines: Iterable[str], name: str, service: Distribution, rng: Rng) -> Traffic:
    """Traffic of a CSV. Raises ValueError naming the line."""
    rows: list[tuple[float, float]] = []
    for number, row in enumerate(csv.reader(lines), start=1):
        if not row or row[0].lstrip().startswith("#") or (not rows and _is_head(row)):
            continue
        if len(rows) >= REQUESTS_MAX:
            raise ValueError(f"line {number}: more than {REQUESTS_MAX} requests")
        rows.append(_row(row, number, service, rng))
    if not rows:
        raise ValueError("no arrivals")
    rows.sort(key=lambda row: row[0])
    at, took = array("d", (r[0] for r in rows)), array("d", (r[1] for r in rows))
    return Traffic(name, at, took, max(1.0, math.ceil(at[-1])))


# --- traces ---
def _is_head(row: list[str]) -> bool:
    return not any(mark.isdigit() for mark in "".join(row))


def _row(row: list[str], number: int, service: Distribution, rng: Rng) -> tuple[float, float]:
    try:
        at = float(row[0])
        took = float(row[1]) if len(row) > 1 and row[1].strip() else service.sample(rng)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not 0 <= at <= DURATION_MAX_S or not 0 <= took <= DURATION_MAX_S:
        raise ValueError(f"line {number}: seconds of 0 to {DURATION_MAX_S:g} are wanted")
    return at, took


# --- generators ---
_DEFAULTS: Final[Mapping[str, Mapping[str, float | None]]] = {
    "poisson": {"rate": 10.0},
    "step": {"low": 1.0, "high": 20.0, "at": None, "random": 0.0},
    "ramp": {"low": 0.0, "high": 50.0, "random": 0.0},
    "spike": {"low": 1.0, "high": 100.0, "at": None, "for": 30.0, "random": 0.0},
    "diurnal": {"low": 1.0, "high": 50.0, "period": 24 * 3600.0, "random": 0.0},
}
_SHARE: Final[Mapping[str, float]] = {"step": 1 / 3, "spike": 1 / 2}
_RATES: Final[Mapping[str, Callable[[Mapping[str, float], float], Rate]]] = {
    "poisson": lambda v, duration_s: lambda t: v["rate"],
    "step": lambda v, duration_s: lambda t: v["high"] if t >= v["at"] else v["low"],
    "ramp": lambda v, duration_s: lambda t: v["low"] + (v["high"] - v["low"]) * t / duration_s,
    "spike": lambda v, duration_s: (
        lambda t: v["high"] if v["at"] <= t < v["at"] + v["for"] else v["low"]
    ),
    "diurnal": lambda v, duration_s: (
        lambda t: (
            v["low"] + (v["high"] - v["low"]) * (1 - math.cos(2 * math.pi * t / v["period"])) / 2
        )
    ),
}
_TIMES: Final = ("at", "for", "period")


def _values(name: str, text: str, duration_s: float) -> dict[str, float]:
    known = _DEFAULTS[name]
    values = {
        key: duration_s * _SHARE[name] if value is None else value for key, value in known.items()
    }
    for word in filter(None, text.split(",")):
        key, equals, value = word.partition("=")
        if key not in known or not equals:
            raise ValueError(f"{name} knows {', '.join(f'{k}=' for k in known)}, not {word!r}")
        values[key] = _value(key, value)
    return values


def _value(key: str, text: str) -> float:
    value = parse_seconds(text) if key in _TIMES else float(text)
    if not (0 <= value < math.inf) or (key == "period" and value == 0):
        raise ValueError(f"{key}={text} is out of range")
    return value


def _arrivals(rate: Rate, duration_s: float, rng: Rng | None) -> Iterator[float]:
    """The moments at which the integral of the rate passes the next mark: each whole number, or each random gap."""
    slice_s = max(SLICE_S, duration_s / SLICES_MAX)
    area, mark = 0.0, EVEN_FIRST if rng is None else rng.expovariate(1.0)
    for number in range(math.ceil(duration_s / slice_s)):
        begin = number * slice_s
        length = min(slice_s, duration_s - begin)
        level = rate(begin + length / 2)
        while area + level * length > mark:
            yield begin + (mark - area) / level
            mark += 1.0 if rng is None else rng.expovariate(1.0)
        area += level * length
