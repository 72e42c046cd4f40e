"""Times that differ from one draw to the next: how long a pod takes to start, how long a request takes to serve.

Pure: the source of chance is passed in. Written as `100ms` (always the same), `exp:MEAN`, `uniform:LOW,HIGH`,
`normal:MEAN,DEVIATION` (never below 0) or `lognormal:MEDIAN,SIGMA`. Callers: tanebi.simulate.traffic, tanebi.simulate.engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.api.durations import parse_go
from tanebi.base.rng import Rng

SECONDS_MAX: Final = 24 * 3600.0
SIGMA_MAX: Final = 5.0
FORMS: Final = "100ms, exp:MEAN, uniform:LOW,HIGH, normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA"

_DRAWS: Final[Mapping[str, Callable[[Rng, float, float], float]]] = {
    "constant": lambda rng, a, b: a,
    "exp": lambda rng, a, b: rng.expovariate(1.0) * a,
    "uniform": lambda rng, a, b: a + (b - a) * rng.random(),
    "normal": lambda rng, a, b: max(0.0, rng.gauss(a, b)),
    "lognormal": lambda rng, a, b: a * math.exp(rng.gauss(0.0, b)),
}
_ONE_NUMBER: Final = ("constant", "exp")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One of the forms above; `text` is how it was written."""

    form: str
    first: float
    second: float
    text: str

    def sample(self, rng: Rng) -> float:
        """Seconds, at least 0."""
        return _DRAWS[self.form](rng, self.first, self.second)


def parse_distribution(text: str) -> Distribution:
    """Raises ValueError."""
    form, colon, rest = text.partition(":")
    if not colon:
        form, rest = "constant", text
    words = rest.split(",")
    if form not in _DRAWS or len(words) != (1 if form in _ONE_NUMBER else 2):
        raise ValueError(f"{text!r} is none of {FORMS}")
    first = parse_seconds(words[0])
    if form in _ONE_NUMBER:
        return Distribution(form, first, 0.0, text)
    second = _sigma(words[1]) if form == "lognormal" else parse_seconds(words[1])
    if form == "uniform" and second < first:
        raise ValueError(f"{text!r}: {words[1]} is less than {words[0]}")
    return Distribution(form, first, second, text)


def parse_seconds(text: str) -> float:
    """`1.5` and `1m30s`; 0 to a day. Raises ValueError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = parse_go(text.strip())
    if not 0 <= seconds <= SECONDS_MAX:
        raise ValueError(f"{text!r} is not between 0s and 24h")
    return seconds


def _sigma(text: str) -> float:
    sigma = float(text)
    if not 0 <= sigma <= SIGMA_MAX:
        raise ValueError(f"sigma {text!r} is not between 0 and {SIGMA_MAX:g}")
    return sigma
