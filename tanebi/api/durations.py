"""Spans of time as Knative writes them: Go durations (`1m30s`) and ISO 8601 (`PT0.2S`). Values are seconds."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_GO_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_ISO: Final = re.compile(
    r"^P(?:(?P<w>\d+)W)?(?:(?P<d>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?:(?P<h>\d+(?:[.,]\d+)?)H)?(?:(?P<m>\d+(?:[.,]\d+)?)M)?(?:(?P<s>\d+(?:[.,]\d+)?)S)?)?$"
)
_ISO_SECONDS: Final = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_go(text: str) -> float:
    """Seconds of `time.ParseDuration`. Raises ValueError."""
    sign, body = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if body == "0":
        return 0.0
    total, at = 0.0, 0
    for part in _GO_PART.finditer(body):
        if part.start() != at:
            break
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    if not body or at != len(body):
        raise ValueError(f"invalid duration: {text!r}")
    return sign * round(total, 9)


def format_go(seconds: float) -> str:
    """As Go prints it: `1m30s`, `1h0m0s`, `200ms`."""
    if seconds < 0:
        return f"-{format_go(-seconds)}"
    if seconds == 0:
        return "0s"
    if seconds < 1:
        for unit in ("ms", "µs", "ns"):
            amount = seconds / _UNITS[unit]
            if round(amount, 6) >= 1 or unit == "ns":
                return f"{_trim(amount)}{unit}"
    whole, rest = divmod(round(seconds, 9), 60)
    minutes = int(whole)
    if minutes == 0:
        return f"{_trim(rest)}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{_trim(rest)}s" if hours else f"{minutes}m{_trim(rest)}s"


def _trim(amount: float) -> str:
    return f"{amount:.9f}".rstrip("0").rstrip(".")


def parse_iso(text: str) -> float:
    """Seconds of an ISO 8601 duration without years and months, whose length varies. Raises ValueError."""
    found = _ISO.match(text)
    if found is None or not any(found.groupdict().values()) or text.endswith("T"):
        raise ValueError(f"invalid ISO 8601 duration: {text!r}")
    return sum(
        float(value.replace(",", ".")) * _ISO_SECONDS[unit]
        for unit, value in found.groupdict().items()
        if value
    )


_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_YEAR: Final = 365 * _DAY

# Below this age (seconds): unit, its letter, the smaller unit shown beside it (0: none), its letter.
_AGE_STEPS: Final = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def human_age(seconds: float) -> str:
    """How kubectl shows an age: `5s`, `3m12s`, `2h`, `4d3h`, `2y15d` (k8s.io/apimachinery duration.HumanDuration)."""
    age = int(seconds)
    if age < 0:
        return "0s" if age >= -1 else "<invalid>"
    for below, unit, letter, small, small_letter in _AGE_STEPS:
        if age < below:
            rest = (age % unit) // small if small else 0
            return (
                f"{age // unit}{letter}{rest}{small_letter}" if rest else f"{age // unit}{letter}"
            )
    return f"{age // _YEAR}y"
