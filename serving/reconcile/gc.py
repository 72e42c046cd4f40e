"""Which revisions without traffic may go, and when to look again. Pure; part of the Configuration's plan.

Only revisions that a route has used and left (`reserve`) are ever collected. Rules: reference/knative-serving.md §1.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serving.api.config_gc import GarbageCollection
from serving.api.configuration_types import Configuration
from serving.api.names import (
    LABEL_ROUTING_STATE,
    NO_GC,
    ROUTING_RESERVE,
    ROUTING_STATE_MODIFIED,
)
from serving.api.revision_types import Revision
from tanebi.api.meta import parse_time

LOOK_AGAIN_MIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Collection:
    """`gone`: revisions to delete, the longest unused first. `again_after_s`: when the next one may be due."""

    gone: tuple[Revision, ...] = ()
    again_after_s: float | None = None


def collect(
    configuration: Configuration,
    revisions: Sequence[Revision],
    rules: GarbageCollection,
    now: datetime,
) -> Collection:
    """At least `rules.inactive_min` unused revisions always stay."""
    unused = sorted(
        (r for r in revisions if _is_unused(r, configuration)),
        key=lambda r: (last_used(r, now), r.metadata.name),
    )
    spare = len(unused) - rules.inactive_min
    if spare <= 0:
        return Collection()
    waits = {r.metadata.name: stale_in_s(r, rules, now) for r in unused}
    stale = [r for r in unused if waits[r.metadata.name] == 0][:spare]
    kept = [r for r in unused if r not in stale]
    beyond = len(kept) - rules.inactive_max if rules.inactive_max is not None else 0
    gone = [*stale, *kept[: max(0, beyond)]]
    return Collection(tuple(gone), _next(waits, {r.metadata.name for r in gone}, spare))


def _next(waits: dict[str, float | None], gone: set[str], spare: int) -> float | None:
    """Nobody tells that time has passed: the plan asks to be run when the next revision becomes stale."""
    if len(gone) >= spare:
        return None
    due = [wait for name, wait in waits.items() if name not in gone and wait is not None]
    return max(LOOK_AGAIN_MIN_S, min(due)) if due else None


def _is_unused(revision: Revision, configuration: Configuration) -> bool:
    meta, status = revision.metadata, configuration.status
    if meta.annotations.get(NO_GC, "").lower() == "true":
        return False
    if meta.name in (status.latest_ready_revision_name, status.latest_created_revision_name):
        return False
    return meta.labels.get(LABEL_ROUTING_STATE) == ROUTING_RESERVE and not revision.deleting


def last_used(revision: Revision, now: datetime) -> datetime:
    """When its routing state changed last, else when it was made."""
    meta = revision.metadata
    return _time(meta.annotations.get(ROUTING_STATE_MODIFIED)) or created(revision, now)


def created(revision: Revision, now: datetime) -> datetime:
    return _time(revision.metadata.creation_timestamp) or now


def stale_in_s(revision: Revision, rules: GarbageCollection, now: datetime) -> float | None:
    """Seconds until it is old and long unused; 0 when it is; None when no age makes it so."""
    bounds = (
        (rules.retain_since_create_s, created(revision, now)),
        (rules.retain_since_active_s, last_used(revision, now)),
    )
    waits = [bound - (now - since).total_seconds() for bound, since in bounds if bound is not None]
    return max(0.0, *waits) if waits else None


def _time(text: str | None) -> datetime | None:
    """A stamp that somebody garbled counts as absent: garbage must not stop a Configuration."""
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
