"""A watch as a stream of lines.

What the store tells (committed changes of one resource) narrowed to a namespace and to selectors, in the form the client wants.
A change that leaves a selector is told as DELETED, one that enters it as ADDED. Bookmarks tell how far an idle watch has come.
Caller: tanebi.apiserver.rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import anyio
import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, labels_of
from tanebi.apiserver.conversion import Conversions
from tanebi.apiserver.editions import shown
from tanebi.apiserver.fanout import Watcher
from tanebi.apiserver.history import Change, Entry, watch_line
from tanebi.apiserver.options import ListOptions
from tanebi.apiserver.store import Store
from tanebi.apiserver.views import View
from tanebi.base.clock import Clock
from tanebi.kube.errors import Expired, ServerError

BOOKMARK_EVERY_S: Final = 30.0
TIMEOUT_DEFAULT_S: Final = 3600.0
INITIAL_END: Final = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects a request concerns. `namespace` None: all."""

    namespace: str | None
    options: ListOptions

    @property
    def unfiltered(self) -> bool:
        return not self.options.labels.terms and not self.options.fields.terms

    @property
    def name(self) -> str | None:
        """The only name that there is in it, if that is said."""
        terms = self.options.fields.terms
        named = (value for path, equal, value in terms if equal and path == "metadata.name")
        return next(named, None)

    def holds(self, obj: Obj) -> bool:
        if self.namespace is not None and obj["metadata"].get("namespace") != self.namespace:
            return False
        if self.unfiltered:
            return True
        return self.options.labels.matches(labels_of(obj)) and self.options.fields.matches(obj)

    def told(self, change: Change, kind: AnyKind) -> str | None:
        """What `change` is to somebody who sees this scope only; None when it is nothing."""
        now = self.holds(shown(kind, change.entry)[0])
        if change.before is None or self.unfiltered:
            return change.type if now else None
        before = self.holds(shown(kind, change.before)[0])
        if change.type == "DELETED":
            return "DELETED" if before else None
        if before:
            return "MODIFIED" if now else "DELETED"
        return "ADDED" if now else None


class WatchStream:
    """The lines of one watch, as an async iterator of chunks. Whoever has it calls `aclose` at the end.

    An object and not a generator: a generator that is closed before its first step would never unsubscribe.
    """

    def __init__(
        self,
        store: Store,
        watcher: Watcher,
        scope: Scope,
        view: View,
        *,
        clock: Clock,
        begun: int,
        conversions: Conversions,
        bookmark_every_s: float = BOOKMARK_EVERY_S,
    ) -> None:
        self._store = store
        self._watcher = watcher
        self._scope = scope
        self._view = view
        self._clock = clock
        self._every_s = bookmark_every_s
        self._position = begun
        self._conversions = conversions
        self._end = clock.now() + (scope.options.timeout_s or TIMEOUT_DEFAULT_S)
        self._first = b""
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            chunk, self._first = self._first, b""
            return chunk
        while not self._over and (left := self._end - self._clock.now()) > 0:
            try:
                chunk = await self._next(min(left, self._every_s))
            except anyio.EndOfStream:
                self._over = True
                chunk = self._overflow() if self._watcher.overflowed else b""
            if chunk:
                return chunk
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Unsubscribe; idempotent."""
        self._over = True
        self._store.unwatch(self._watcher)
        self._watcher.close()

    async def begin(self, initial: list[Entry]) -> None:
        """Tell what there was when the watch began. Raises ServerError (a webhook that does not convert)."""
        kind, scope = self._view.kind, self._scope
        await self._conversions.ready(kind, initial)
        lines = [
            self._view.added(entry)
            for entry in initial
            if scope.unfiltered or scope.holds(shown(kind, entry)[0])
        ]
        if scope.options.initial_events and scope.options.bookmarks:
            lines.append(self._bookmark(INITIAL_END))
        self._first = b"".join(lines)

    async def _next(self, wait_s: float) -> bytes:
        """Lines of what has changed; a bookmark (or nothing) when nothing has for `wait_s`."""
        changes = await self._watcher.next(within_s=wait_s)
        if changes:
            return await self._lines(changes)
        if not self._scope.options.bookmarks or not self._watcher.idle:
            return b""
        # Nothing waits, so nothing of this resource is missing up to the store's revision.
        self._position = self._store.revision
        return self._bookmark({})

    async def _lines(self, changes: list[Change]) -> bytes:
        kind = self._view.kind
        if kind.converter is not None:
            entries = [one for c in changes for one in (c.before, c.entry) if one is not None]
            try:
                await self._conversions.ready(kind, entries)
            except ServerError as error:
                self._over = True
                return watch_line("ERROR", orjson.dumps(error.to_status()))
        self._position = changes[-1].rv
        view = self._view
        if view.shape == "table":  # its ages are as of now, however old the watch is
            view = replace(view, now=self._clock.wall())
        return b"".join(
            [view.line(told, c) for c in changes if (told := self._scope.told(c, kind))]
        )

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        kind = self._view.kind
        meta: Obj = {"resourceVersion": str(self._position), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        obj: Obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
        if self._view.shape != "object":
            obj = self._view.of({**obj, "metadata": meta})
        return watch_line("BOOKMARK", orjson.dumps(obj))

    def _overflow(self) -> bytes:
        error = Expired("the watch fell too far behind and was ended; list and watch anew")
        return watch_line("ERROR", orjson.dumps(error.to_status()))
