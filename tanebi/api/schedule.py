"""When something fires by the calendar: cron text and a time zone, turned into stamps.

Pure. `cronsim` does the calendar; this file knows what robfig/cron accepts besides (descriptors, `?`, a CRON_TZ= prefix) and
what it refuses. Around a change of daylight saving time a job at a fixed time of day runs exactly once (a skipped time runs
right after the gap, a repeated one runs the first time); jobs that repeat within the hour, or have a seconds field, follow
elapsed time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ZONE_PREFIX: Final = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s*(.*)", re.DOTALL)


class BadSchedule(ValueError):
    """The cron text is wrong."""


class BadZone(ValueError):
    """The time zone is unknown."""


@dataclass(frozen=True, slots=True)
class Schedule:
    fields: str
    zone: ZoneInfo

    def after(self, stamp: datetime) -> Iterator[datetime]:
        """Every firing later than `stamp`, in UTC. Ends when the calendar holds no more (50 years)."""
        for tick in CronSim(self.fields, stamp.astimezone(self.zone)):
            yield tick.astimezone(UTC)


def parse(text: str, timezone: str = "") -> Schedule:
    """Raises BadSchedule or BadZone with what is wrong. A CRON_TZ= prefix stands for `timezone` when that is empty."""
    prefixed = _ZONE_PREFIX.fullmatch(text.strip())
    if prefixed:
        text = prefixed[2]
        timezone = timezone or prefixed[1]
    zone = _zone(timezone)
    return Schedule(_fields(text.strip()), zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadZone(f"provided bad location {name}: unknown time zone {name}") from error


def _fields(text: str) -> str:
    if "@every" in text:
        raise BadSchedule("unsupported descriptor @every")
    if text.startswith("@"):
        if text not in DESCRIPTORS:
            raise BadSchedule(f"unrecognized descriptor: {text}")
        return DESCRIPTORS[text]
    parts = text.split()
    if len(parts) not in (5, 6):
        raise BadSchedule(f"expected 5 or 6 fields, found {len(parts)}: [{' '.join(parts)}]")
    fields = " ".join(part.replace("?", "*") for part in parts)
    try:
        CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise BadSchedule(f"{str(error).lower()} in {text!r}") from error
    return fields
