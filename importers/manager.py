"""Runs importers: one supervised task a source object whose sink is known.

A task that ends or raises is started again with back-off. A changed source gets a new task once the old one has ended. Deleting a
source drops its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskGroup, TaskStatus
from pydantic import ValidationError

from importers.api.importer import Importer
from importers.api.source_types import Source
from importers.context import SourceContext, Tools
from importers.registry import Installed
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache

RESTART_FIRST_S: Final = 1.0
RESTART_MAX_S: Final = 60.0
STEADY_S: Final = 60.0  # a run this long forgets earlier failures

log = get_logger("importers")


@dataclass(eq=False, slots=True)
class _Run:
    """One source's task: what it was started with, and how to end it."""

    source: Source
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)


class ImporterManager:
    """Inert until `run`."""

    def __init__(self, installed: Iterable[Installed], *, cache: Cache, tools: Tools) -> None:
        self._importers: dict[AnyKind, type[Importer]] = {
            one.importer.kind: one.importer for one in installed
        }
        self._cache = cache
        self._tools = tools
        self._runs: dict[tuple[AnyKind, Key], _Run] = {}
        self._tasks: TaskGroup | None = None
        for kind in self._importers:
            cache.watch(kind)

    @property
    def running(self) -> int:
        """How many sources have a task."""
        return len(self._runs)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        await self._cache.wait_synced(*self._importers) if self._importers else None
        await to_thread.run_sync(self._tools.checkpoints.keep_only, self._known_uids())
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                for kind in self._importers:
                    self._cache.subscribe(kind, self._follower(kind))
                task_status.started()
                await anyio.sleep_forever()
            finally:
                self._tasks = None

    def _known_uids(self) -> set[str]:
        return {
            str(obj["metadata"].get("uid"))
            for kind in self._importers
            for obj in self._cache.raws(kind, None)
        }

    def _follower(self, kind: AnyKind) -> Any:
        def follow(old: Obj | None, new: Obj | None) -> None:
            changed = new if new is not None else old
            if self._tasks is None or changed is None:
                return
            self._look(kind, key_of(changed), new)

        return follow

    def _look(self, kind: AnyKind, key: Key, obj: Obj | None) -> None:
        """Make the source's task fit the source as it is now."""
        source = _view(kind, obj)
        now = self._runs.get((kind, key))
        if now is not None and source is not None and _same(now.source, source):
            return
        if now is not None:
            now.scope.cancel()
        if source is None or not source.status.sink_uri or source.deleting:
            self._runs.pop((kind, key), None)
            if now is not None and obj is None and self._tasks is not None:
                self._tasks.start_soon(self._forget, now)
            return
        run = self._runs[kind, key] = _Run(source)
        assert self._tasks is not None, "only called while running"
        self._tasks.start_soon(self._supervise, self._importers[kind], run, now)

    async def _forget(self, run: _Run) -> None:
        """The source is deleted: once its task has ended, its checkpoint goes."""
        await run.ended.wait()
        uid = run.source.metadata.uid
        await to_thread.run_sync(self._tools.checkpoints.remove, uid)

    async def _supervise(self, importer: type[Importer], run: _Run, before: _Run | None) -> None:
        try:
            if before is not None:
                await before.ended.wait()
            with run.scope:
                await self._keep_running(importer, run.source)
        finally:
            run.ended.set()

    async def _keep_running(self, importer: type[Importer], source: Source) -> None:
        meta = source.metadata
        about = log.bind(kind=source.kind, ns=meta.namespace, name=meta.name)
        failures = 0
        while True:
            started = self._tools.clock.now()
            try:
                await importer(source).run(SourceContext(source, self._tools, about))
                about.warning("importer ended by itself")
            except Exception:  # one importer's bug must not stop the others
                about.exception("importer failed")
            if self._tools.clock.now() - started >= STEADY_S:
                failures = 0
            await self._tools.clock.sleep(min(RESTART_FIRST_S * 2.0**failures, RESTART_MAX_S))
            failures = min(failures + 1, 16)


def _view(kind: AnyKind, obj: Obj | None) -> Source | None:
    if obj is None:
        return None
    try:
        source: Source = kind.view(obj)
    except ValidationError:
        log.warning("unreadable source", kind=kind.resource, name=str(key_of(obj)))
        return None
    return source


def _same(one: Source, other: Source) -> bool:
    """The difference does not matter to an importer."""
    return (
        one.metadata.uid == other.metadata.uid
        and one.spec == other.spec
        and one.status.sink_uri == other.status.sink_uri
        and one.deleting == other.deleting
    )
