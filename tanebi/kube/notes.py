"""Kubernetes Events, said once and counted.

Pure: the notebook decides what to write. The first note of its kind about a resource becomes an Event at once; the same note
again only counts, and the count is written no more often than every REPEAT_S. Bounded: the notes longest unheard are forgotten.
Caller: tanebi.kube.recorder.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tanebi.api.meta import Obj, rfc3339
from tanebi.base.rng import Rng
from tanebi.kube.plan import Note

REPEAT_S: Final = 60.0
NOTES_MAX: Final = 4096
MESSAGE_MAX: Final = 1024  # characters; Kubernetes' limit for an Event's message

_Said = tuple[str, str, str, str]  # uid, type, reason, message


@dataclass(slots=True)
class _Entry:
    event: Obj
    count: int
    written_at: datetime


class Notebook:
    """The notes of one process. `rng` makes the names of Events unique."""

    def __init__(self, rng: Rng, *, notes_max: int = NOTES_MAX) -> None:
        self._rng = rng
        self._notes_max = notes_max
        self._entries: OrderedDict[_Said, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def say(self, about: Obj, note: Note, *, component: str, now: datetime) -> Obj | None:
        """The Event to write: new when its count is 1, to be counted up when more; None when there is nothing to write."""
        said = (_uid(about), note.type, note.reason, note.message)
        entry = self._entries.get(said)
        if entry is None:
            event = _event(about, note, component=component, now=now, suffix=self._suffix())
            self._entries[said] = _Entry(event, 1, now)
            while len(self._entries) > self._notes_max:
                self._entries.popitem(last=False)
            return event
        self._entries.move_to_end(said)
        entry.count += 1
        if (now - entry.written_at).total_seconds() < REPEAT_S:
            return None
        entry.written_at = now
        entry.event = {**entry.event, "count": entry.count, "lastTimestamp": rfc3339(now)}
        return entry.event

    def _suffix(self) -> str:
        return f"{self._rng.getrandbits(64):016x}"


def _event(about: Obj, note: Note, *, component: str, now: datetime, suffix: str) -> Obj:
    meta = about.get("metadata") or {}
    namespace = meta.get("namespace") or "default"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta.get('name', '')}.{suffix}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.get("apiVersion", ""),
            "kind": about.get("kind", ""),
            "namespace": meta.get("namespace") or "",
            "name": meta.get("name", ""),
            "uid": meta.get("uid", ""),
            "resourceVersion": meta.get("resourceVersion", ""),
        },
        "type": note.type,
        "reason": note.reason,
        "message": note.message[:MESSAGE_MAX],
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
    }


def _uid(about: Obj) -> str:
    return str((about.get("metadata") or {}).get("uid") or "")
