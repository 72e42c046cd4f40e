"""The world as last seen: one list and one watch per kind, shared by all who read.

A feeder task per kind lists, then watches from there; a broken stream resumes where it stopped, an expired one lists anew and
tells the difference. Readers get JSON or typed views and must not change them. Subscribers are called on the loop, at once, with
the old and the new object; they enqueue keys and return (tanebi.kube.workqueue coalesces).
Not a source of truth: it may be behind. Callers: the engine, and every component that looks at resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from pydantic import ValidationError

from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Key, Obj, Resource
from tanebi.api.selectors import EVERYTHING, Selector
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.client import Kube
from tanebi.kube.feeder import RELIST_S, Feeder
from tanebi.kube.index import Change, Index
from tanebi.kube.watch import Added, Bookmark, Deleted, Modified

R = TypeVar("R", bound=Resource)
Subscriber = Callable[[Obj | None, Obj | None], None]

log = get_logger("cache")


class Cache:
    """Implements tanebi.kube.plan.Seen. Name kinds with `watch` or `subscribe`, before or after `run`."""

    def __init__(self, kube: Kube, clock: Clock, *, relist_s: float = RELIST_S) -> None:
        self._kube = kube
        self._clock = clock
        self._relist_s = relist_s
        self._indexes: dict[AnyKind, Index[Any]] = {}
        self._subscribers: dict[AnyKind, list[Subscriber]] = {}
        self._synced: dict[AnyKind, anyio.Event] = {}
        self._tasks: TaskGroup | None = None

    # --- what is kept ---

    def watch(self, kind: AnyKind) -> None:
        """Keep all objects of `kind`. Twice is once."""
        if kind in self._indexes:
            return
        self._indexes[kind] = Index(kind)
        self._subscribers[kind] = []
        self._synced[kind] = anyio.Event()
        if self._tasks is not None:
            self._tasks.start_soon(self._feeder(kind).run)

    def subscribe(self, kind: AnyKind, callback: Subscriber) -> None:
        """Call `callback(old, new)` at every change, and now for each object already here."""
        self.watch(kind)
        self._subscribers[kind].append(callback)
        index = self._indexes[kind]
        for key in index.keys(None):
            self._tell(kind, callback, Change(None, index.get(key)))

    async def wait_synced(self, *kinds: AnyKind) -> None:
        """Return when each of `kinds` (all that are watched, for none) has been listed once."""
        for kind in kinds or tuple(self._synced):
            await self._synced[kind].wait()

    @property
    def synced(self) -> bool:
        """Every watched kind has been listed once."""
        return all(event.is_set() for event in self._synced.values())

    def observe(self, kind: AnyKind, obj: Obj) -> None:
        """Take in the answer to a write of ours before the watch tells it. Kinds not watched are ignored."""
        index = self._indexes.get(kind)
        change = index.observe(obj) if index is not None else None
        if change is not None:
            self._publish(kind, change)

    # --- what is seen (tanebi.kube.plan.Seen) ---

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None:
        """None also for an object that does not fit its type; that is logged."""
        return self._view(self._index(kind), Key(namespace, name))

    def list(
        self, kind: Kind[R], namespace: str | None, selector: Selector = EVERYTHING
    ) -> Sequence[R]:
        """Ordered by name. Objects that do not fit their type are left out and logged."""
        index = self._index(kind)
        views = (self._view(index, key) for key in index.selected(namespace, selector))
        return [view for view in views if view is not None]

    def selecting(self, kind: Kind[R], namespace: str, labels: Mapping[str, str]) -> Sequence[R]:
        index = self._index(kind)
        views = (self._view(index, key) for key in index.selecting(namespace, labels))
        return [view for view in views if view is not None]

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return self._index(kind).get(Key(namespace, name))

    def raw_or_none(self, kind: AnyKind, key: Key) -> Obj | None:
        """As `raw`, and None when the kind is not watched at all."""
        index = self._indexes.get(kind)
        return index.get(key) if index is not None else None

    def raws(self, kind: AnyKind, namespace: str | None) -> Sequence[Obj]:
        """Objects of one namespace, or of all for None, as JSON, ordered by name."""
        index = self._index(kind)
        return [obj for key in index.keys(namespace) if (obj := index.get(key)) is not None]

    def keys(self, kind: AnyKind) -> Sequence[Key]:
        return self._index(kind).keys(None)

    def owned(self, kind: AnyKind, uid: str) -> Sequence[Obj]:
        """Objects that name `uid` among their owners, ordered by name."""
        return self._index(kind).owned(uid)

    # --- feeding ---

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Feed until cancelled. Started at once; `wait_synced` tells when the lists are in."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for kind in tuple(self._indexes):
                tasks.start_soon(self._feeder(kind).run)
            task_status.started()
            await anyio.sleep_forever()

    def _feeder(self, kind: AnyKind) -> Feeder:
        def listed(items: Sequence[Obj], resource_version: str) -> None:
            for change in self._indexes[kind].replace(items, resource_version):
                self._publish(kind, change)
            self._synced[kind].set()

        def happened(event: Added | Modified | Deleted | Bookmark) -> None:
            change = self._indexes[kind].apply(event)
            if change is not None:
                self._publish(kind, change)

        return Feeder(
            self._kube,
            kind,
            clock=self._clock,
            listed=listed,
            happened=happened,
            relist_s=self._relist_s,
        )

    def _publish(self, kind: AnyKind, change: Change) -> None:
        for callback in self._subscribers[kind]:
            self._tell(kind, callback, change)

    def _tell(self, kind: AnyKind, callback: Subscriber, change: Change) -> None:
        try:
            callback(change.old, change.new)
        except Exception:  # one subscriber's bug must not blind the others
            log.exception("subscriber failed", kind=kind.resource)

    def _index(self, kind: Kind[R]) -> Index[R]:
        try:
            return self._indexes[kind]
        except KeyError:
            raise LookupError(f"{kind.resource} is not watched: call Cache.watch first") from None

    def _view(self, index: Index[R], key: Key) -> R | None:
        try:
            return index.view(key)
        except ValidationError as error:
            log.warning(
                "unreadable object",
                kind=index.kind.resource,
                ns=key.namespace,
                name=key.name,
                error=str(error),
            )
            return None
