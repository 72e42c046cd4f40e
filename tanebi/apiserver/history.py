"""The recent past of the store: what a watcher that comes back may still be told.

Pure: a bounded ring of changes in resourceVersion order. What falls out of it moves `compacted` forward; a watcher that asks
for a version before that gets 410 Expired and lists anew. Caller: tanebi.apiserver.store.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from tanebi.api.meta import Key, Obj

CHANGES_MAX: Final = 10_000
BYTES_MAX: Final = 8 * 1024 * 1024

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Entry:
    """One stored version of one object. `obj` is shared by everybody who reads: never change it."""

    __slots__ = ("_obj", "body", "rv", "shown")

    def __init__(self, obj: Obj, rv: int, body: bytes) -> None:
        self._obj: Obj | None = obj
        self.shown: dict[object, tuple[Obj, bytes]] | None = None  # tanebi.apiserver.editions'
        self.rv = rv
        self.body = body

    @classmethod
    def of(cls, obj: Obj, rv: int) -> Entry:
        """`obj` must carry `rv` already."""
        return cls(obj, rv, orjson.dumps(obj))

    @property
    def obj(self) -> Obj:
        if self._obj is not None:
            return self._obj
        parsed: Obj = orjson.loads(self.body)
        return parsed

    def retire(self) -> None:
        """Keep the bytes alone: a parsed object takes several times the room, and the past is seldom looked at."""
        self._obj = None
        self.shown = None

    @property
    def uid(self) -> str:
        return str(self.obj["metadata"].get("uid") or "")

    def __repr__(self) -> str:
        meta = self.obj.get("metadata") or {}
        return f"Entry({meta.get('namespace')}/{meta.get('name')} @{self.rv})"


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write. For DELETED, `entry` is the last state under the version of the deletion."""

    type: ChangeType
    resource: str
    key: Key
    entry: Entry
    before: Entry | None

    @property
    def rv(self) -> int:
        return self.entry.rv

    @property
    def line(self) -> bytes:
        """The watch line."""
        return watch_line(self.type, self.entry.body)


def watch_line(type_: str, body: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), body)


class History:
    """A ring of changes. `compacted`: the newest version from which nothing can be told completely any more."""

    def __init__(
        self, compacted: int, *, changes_max: int = CHANGES_MAX, bytes_max: int = BYTES_MAX
    ) -> None:
        self.compacted = compacted
        self._changes_max = changes_max
        self._bytes_max = bytes_max
        self._changes: deque[Change] = deque()
        self._bytes = 0

    def append(self, change: Change) -> None:
        self._changes.append(change)
        self._bytes += len(change.entry.body)
        while len(self._changes) > self._changes_max or self._bytes > self._bytes_max:
            oldest = self._changes.popleft()
            self._bytes -= len(oldest.entry.body)
            self.compacted = oldest.rv

    def since(self, rv: int, resource: str) -> list[Change] | None:
        """Changes of `resource` after `rv`, oldest first; None when some of them are forgotten."""
        if rv < self.compacted:
            return None
        found: list[Change] = []
        for change in reversed(self._changes):
            if change.rv <= rv:
                break
            if change.resource == resource:
                found.append(change)
        found.reverse()
        return found

    def __len__(self) -> int:
        return len(self._changes)
