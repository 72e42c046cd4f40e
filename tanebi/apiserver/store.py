"""Where the objects are: in memory for whoever reads, in SQLite before anybody is told of a write.

One revision counts every write of every kind; an object's resourceVersion is the revision that wrote it. A write is decided
against the newest state, pending ones included, gets its revision at once, and is queued for the disk. When the commit is
through, and in the order of revisions, it becomes visible to readers and watchers and its caller is answered. When a commit
fails, everything pending is dropped and the store is read-only from then on: what was acknowledged stays.

It knows no kinds, no names' grammar and no HTTP: keys are (resource, namespace, name), values JSON objects.
Callers: tanebi.apiserver.objects and the collectors; tanebi.up opens and closes it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from tanebi.api.meta import Key, Obj
from tanebi.apiserver.fanout import Fanout, Watcher
from tanebi.apiserver.history import BYTES_MAX, CHANGES_MAX, Change, Entry, History
from tanebi.base.errors import Unavailable
from tanebi.base.groupcommit import GroupCommitter, Statement, connect, store_failed

SCHEMA_VERSION: Final = 1
WATCH_QUEUE_MAX: Final = 4096
FRESH_MAX: Final = (
    64  # versions just replaced that stay parsed: who watches by a selector looks at them
)

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS objects (resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " rv INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
)
_PUT: Final = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
_DROP: Final = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
_REVISION: Final = "UPDATE facts SET value = ? WHERE name = 'revision'"


class StoreCorrupt(Unavailable):
    """The file cannot be read as what it should be. Nothing was changed."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            "store-corrupt",
            f"the API store {path} cannot be read: {what}",
            hint=f"restore the file from a backup, or move it away to start empty: mv {path} {path}.broken",
        )


class StoreUnusable(Unavailable):
    """The file cannot be opened or written: rights, a missing folder, a full or failing disk."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            "store-unusable",
            f"the API store {path} cannot be opened: {what}",
            hint=f"check that {path.parent} exists, can be written, and that its disk has room",
        )


class WriteRace(Exception):
    """The object is not what the caller decided against. `newest` is what it is, None when it is gone."""

    def __init__(self, newest: Entry | None) -> None:
        super().__init__("the object changed")
        self.newest = newest


class HistoryGone(Exception):
    """A watch was asked for from a version that is forgotten, or that this store never reached."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class _Table:
    """The committed objects of one resource, with their keys in order."""

    __slots__ = ("entries", "keys")

    def __init__(self) -> None:
        self.entries: dict[Key, Entry] = {}
        self.keys: list[Key] = []

    def put(self, key: Key, entry: Entry) -> None:
        if key not in self.entries:
            insort(self.keys, key)
        self.entries[key] = entry

    def drop(self, key: Key) -> None:
        if self.entries.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]

    def keys_within(self, namespace: str | None) -> list[Key]:
        if namespace is None:
            return self.keys
        low = bisect_left(self.keys, Key(namespace, ""))
        high = bisect_left(self.keys, Key(f"{namespace}\0", ""))
        return self.keys[low:high]

    def within(self, namespace: str | None) -> list[Entry]:
        return [self.entries[key] for key in self.keys_within(namespace)]


class Store:
    """Open with `Store.open`; close with `close` after the last writer has stopped."""

    def __init__(
        self,
        db: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        changes_max: int = CHANGES_MAX,
        bytes_max: int = BYTES_MAX,
        queue_max: int = WATCH_QUEUE_MAX,
    ) -> None:
        self._disk = GroupCommitter(db, loop)
        self._loop = loop
        self._tables: dict[str, _Table] = {}
        self._pending: dict[tuple[str, Key], list[tuple[int, Entry | None]]] = {}
        self.fanout = Fanout(loop, queue_max=queue_max)
        self._replaced: deque[Entry] = deque()
        self._listeners: list[Callable[[Change], None]] = []
        self.revision = _load(db, self._tables)
        self._assigned = self.revision
        self._history = History(self.revision, changes_max=changes_max, bytes_max=bytes_max)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        changes_max: int = CHANGES_MAX,
        bytes_max: int = BYTES_MAX,
        queue_max: int = WATCH_QUEUE_MAX,
    ) -> Store:
        """Load everything and begin to accept writes. `loop` defaults to the running one; `:memory:` keeps no file.

        Raises StoreCorrupt, StoreUnusable.
        """
        db: sqlite3.Connection | None = None
        try:
            db = connect(path)
            _prepare(db, path)
            store = cls(
                db,
                loop or asyncio.get_running_loop(),
                changes_max=changes_max,
                bytes_max=bytes_max,
                queue_max=queue_max,
            )
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            if db is not None:
                db.close()
            unusable = isinstance(error, sqlite3.OperationalError)
            raise (StoreUnusable if unusable else StoreCorrupt)(path, str(error)) from error
        except StoreCorrupt:
            if db is not None:
                db.close()
            raise
        store._disk.start()
        return store

    def close(self) -> None:
        """Write what is queued, end every watch, close the file."""
        for watcher in self.fanout.of():
            watcher.close()
            self.unwatch(watcher)
        self._disk.close()

    @property
    def failed(self) -> Exception | None:
        """What made the store read-only, or None."""
        return self._disk.failed

    @property
    def compacted(self) -> int:
        """A watch from before this revision is refused."""
        return self._history.compacted

    # --- reading: committed state, never the disk -----------------------------------------------

    def get(self, resource: str, key: Key) -> Entry | None:
        table = self._tables.get(resource)
        return table.entries.get(key) if table else None

    def list_at(self, resource: str, namespace: str | None, rv: int) -> list[Entry] | None:
        """What `list` would have given at revision `rv`; None when that is forgotten or has not been yet."""
        if rv == self.revision:
            return self.list(resource, namespace)
        changes = self._history.since(rv, resource) if rv < self.revision else None
        if changes is None:
            return None
        then: dict[Key, Entry | None] = {}
        for change in changes:
            if namespace is None or change.key.namespace == namespace:
                then.setdefault(
                    change.key, change.before
                )  # the first change since knows what was before
        table = self._tables.get(resource)
        keys = set(table.keys_within(namespace)) if table else set()
        now = table.entries if table else {}
        found = (
            (key, then[key] if key in then else now[key]) for key in sorted(keys | then.keys())
        )
        return [entry for _, entry in found if entry is not None]

    def list(self, resource: str, namespace: str | None = None) -> list[Entry]:
        """Of one namespace, or of all for None; ordered by namespace and name."""
        table = self._tables.get(resource)
        return table.within(namespace) if table else []

    def count(self, resource: str) -> int:
        table = self._tables.get(resource)
        return len(table.entries) if table else 0

    def newest(self, resource: str, key: Key) -> Entry | None:
        """The state that a write must be decided against: pending writes count."""
        if waiting := self._pending.get((resource, key)):
            return waiting[-1][1]
        return self.get(resource, key)

    # --- writing --------------------------------------------------------------------------------

    async def put(self, resource: str, key: Key, obj: Obj, *, over: Entry | None) -> Entry:
        """Store `obj` (whose resourceVersion is set here) in place of `over`; None: it must not exist.

        Returns when it is on disk and visible. Raises WriteRace, Unavailable.
        """
        self._check(resource, key, over)
        rv = self._assigned + 1
        obj["metadata"]["resourceVersion"] = str(rv)
        entry = Entry.of(obj, rv)
        change = Change("MODIFIED" if over else "ADDED", resource, key, entry, over)
        statement: Statement = (_PUT, (resource, key.namespace, key.name, rv, entry.body))
        await self._write(change, entry, statement)
        return entry

    async def remove(self, resource: str, key: Key, *, over: Entry) -> Entry:
        """Delete `over`. Returns its last state under the revision of the deletion. Raises WriteRace, Unavailable."""
        self._check(resource, key, over)
        rv = self._assigned + 1
        meta = over.obj["metadata"] | {"resourceVersion": str(rv)}
        entry = Entry.of(over.obj | {"metadata": meta}, rv)
        change = Change("DELETED", resource, key, entry, over)
        await self._write(change, None, (_DROP, (resource, key.namespace, key.name)))
        return entry

    def _check(self, resource: str, key: Key, over: Entry | None) -> None:
        newest = self.newest(resource, key)
        if newest is not over:
            raise WriteRace(newest)

    async def _write(self, change: Change, after: Entry | None, statement: Statement) -> None:
        done: asyncio.Future[None] = self._loop.create_future()

        def finish(error: Exception | None) -> None:
            if error is None:
                self._commit(change, after)
            else:
                self._pending.clear()
                self._assigned = self.revision
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(store_failed(error))

        self._disk.submit((statement, (_REVISION, (change.rv,))), finish)
        self._assigned = change.rv
        self._pending.setdefault((change.resource, change.key), []).append((change.rv, after))
        await done

    def _commit(self, change: Change, after: Entry | None) -> None:
        waiting = self._pending[change.resource, change.key]
        waiting.pop(0)
        if not waiting:
            del self._pending[change.resource, change.key]
        table = self._tables.setdefault(change.resource, _Table())
        if after is None:
            table.drop(change.key)
        else:
            table.put(change.key, after)
        self.revision = change.rv
        self._history.append(change)
        for listener in self._listeners:
            listener(change)
        self.fanout.tell(change)
        for entry in (change.before, change.entry if after is None else None):
            if entry is not None:
                self._replaced.append(entry)
        while len(self._replaced) > FRESH_MAX:
            self._replaced.popleft().retire()

    # --- watching -------------------------------------------------------------------------------

    def watch(
        self, resource: str, rv: int, namespace: str | None = None, name: str | None = None
    ) -> Watcher:
        """Every change after revision `rv`, in one namespace and of one name where they are given. Raises HistoryGone."""
        backlog = self._history.since(rv, resource) if rv <= self.revision else None
        if backlog is None:
            raise HistoryGone(rv, self._history.compacted)
        wanted = [
            change
            for change in backlog
            if namespace in (None, change.key.namespace) and name in (None, change.key.name)
        ]
        return self.fanout.add(resource, namespace, name, wanted)

    def unwatch(self, watcher: Watcher) -> None:
        """Forget a watcher; idempotent."""
        self.fanout.drop(watcher)

    def end_watches(self, resource: str) -> None:
        """End every watch of `resource` in order: what they watched is another thing now, or nothing."""
        for watcher in self.fanout.of(resource):
            watcher.end()
            self.unwatch(watcher)

    @property
    def watcher_count(self) -> int:
        return len(self.fanout.of())

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` synchronously for every committed change. It must not raise and must not wait."""
        self._listeners.append(listener)


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA quick_check").fetchone()
    if found is None or found[0] != "ok":
        raise StoreCorrupt(path, str(found[0] if found else "no answer"))
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, SCHEMA_VERSION):
        raise StoreCorrupt(path, f"it has format {version}, this program knows {SCHEMA_VERSION}")
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        db.execute(statement)
    db.execute("INSERT OR IGNORE INTO facts VALUES ('revision', 0)")
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    db.execute("COMMIT")


def _load(db: sqlite3.Connection, tables: dict[str, _Table]) -> int:
    """Fill `tables`; returns the revision. Raises ValueError on a body that is not an object."""
    revision = int(db.execute("SELECT value FROM facts WHERE name = 'revision'").fetchone()[0])
    rows = db.execute(
        "SELECT resource, namespace, name, rv, body FROM objects ORDER BY resource, namespace, name"
    )
    for resource, namespace, name, rv, body in rows:
        obj = orjson.loads(body)
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
            raise ValueError(f"{resource} {namespace}/{name} is not an object")
        if rv > revision:
            raise ValueError(f"{resource} {namespace}/{name} is newer than the store's revision")
        tables.setdefault(resource, _Table()).put(Key(namespace, name), Entry(obj, rv, body))
    return revision
