"""The clocks of the command line.

A command runs for one person and ends: nothing here needs a Clock that tests can hold. tanebi.base.clock would cost every
`tanebi get` the import of asyncio (50 ms).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def monotonic() -> float:
    """Seconds; only differences mean anything."""
    return time.monotonic()  # noqa: TID251


def pause(seconds: float) -> None:
    """Block this command."""
    time.sleep(seconds)  # noqa: TID251


def wall() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


def age(stamp: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 stamp was, as kubectl writes it; `<unknown>` without one."""
    if not stamp:
        return "<unknown>"
    return human_duration((now - datetime.fromisoformat(stamp)).total_seconds())


def human_duration(seconds: float) -> str:
    """kubectl's short form: 45s, 2m5s, 3h, 2d4h."""
    left = max(0, int(seconds))
    if left < 120:
        return f"{left}s"
    if left < 600:
        return _two(left, 1)
    if left < 3 * 3600:
        return f"{left // 60}m"
    if left < 8 * 3600:
        return _two(left, 60)
    if left < 48 * 3600:
        return f"{left // 3600}h"
    if left < 8 * 86400:
        return _two(left, 3600)
    return f"{left // 86400}d"


def _two(left: int, small: int) -> str:
    """Two neighbouring units, the smaller one (`small` seconds) left out when zero."""
    names = [name for name, size in _UNITS if size >= small][-2:]
    big = dict(_UNITS)[names[0]]
    count, rest = divmod(left, big)
    tail = f"{rest // small}{names[1]}" if rest // small else ""
    return f"{count}{names[0]}{tail}"


def parse_timeout(text: str) -> float:
    """Seconds of `90`, `90s`, `1m30s`, `2h`. Raises ValueError."""
    if text.isdigit():
        return float(text)
    total, number = 0.0, ""
    for char in text:
        if char.isdigit() or char == ".":
            number += char
        elif char in "hms" and number:
            total += float(number) * dict(_UNITS)[char]
            number = ""
        else:
            raise ValueError(f"not a duration: {text!r} (try 30s or 1m30s)")
    if number or not text:
        raise ValueError(f"not a duration: {text!r} (try 30s or 1m30s)")
    return total
