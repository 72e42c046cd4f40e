"""ConfigMap config-gc: which revisions without traffic are deleted, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from tanebi.api import durations
from tanebi.api.kind import ConfigKind

DISABLED: Final = "disabled"


@dataclass(frozen=True, slots=True)
class GarbageCollection:
    """Times are seconds. None: that bound is switched off."""

    retain_since_create_s: float | None
    retain_since_active_s: float | None
    inactive_min: int
    inactive_max: int | None


def parse(data: fields.Data) -> GarbageCollection:
    """Raises ValueError naming the key and the value that cannot stand."""
    least = fields.integer(data, "min-non-active-revisions", 20, low=0)
    most = fields.read(data, "max-non-active-revisions", 1000, _count)
    if most is not None and most < least:
        raise ValueError(
            f"min-non-active-revisions({least}) must be <= max-non-active-revisions({most})"
        )
    return GarbageCollection(
        retain_since_create_s=fields.read(data, "retain-since-create-time", 172800.0, _span),
        retain_since_active_s=fields.read(data, "retain-since-last-active-time", 54000.0, _span),
        inactive_min=least,
        inactive_max=most,
    )


def _span(text: str) -> float | None:
    if text.lower() == DISABLED:
        return None
    seconds = durations.parse_go(text)
    if seconds < 0:
        raise ValueError("must not be negative")
    return seconds


def _count(text: str) -> int | None:
    if text.lower() == DISABLED:
        return None
    count = fields.parse_int(text)
    if count < 0:
        raise ValueError("must not be negative")
    return count


EXAMPLE: Final = """\
# A revision younger than this stays; "disabled" switches the bound off.
retain-since-create-time: "48h"

# A revision stays this long after it last had traffic; "disabled" switches the bound off.
retain-since-last-active-time: "15h"

# So many revisions without traffic stay in any case.
min-non-active-revisions: "20"

# Beyond so many, the oldest go whatever their age; "disabled" sets no such bound.
max-non-active-revisions: "1000"
"""

CONFIG_GC: Final = ConfigKind(SYSTEM_NAMESPACE, "config-gc", parse, example=EXAMPLE)
