"""One pass over one key: read, ask the reconciler, make the world look like its Plan.

Writes go out in the order create, update, delete, patch, status; each carries the version it was computed from. A conflict means
that somebody else wrote: the object is read again and the whole pass is repeated, never the single write.
Caller: tanebi.kube.engine, which decides when a key runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import Any, Final, assert_never

from pydantic import ValidationError

from tanebi.api.kind import AnyKind, Configs
from tanebi.api.meta import Key, Obj, key_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube import diff
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.diff import Create, Delete, NotOwned, Update
from tanebi.kube.errors import ApiError, Conflict, Forbidden, InvalidObject, NotFound
from tanebi.kube.plan import Invalid, Note, Patch, Plan, Reconciler, Wait
from tanebi.kube.quiet import Quiet
from tanebi.kube.recorder import Recorder

CONFLICTS_MAX: Final = 5  # passes in a row before a conflict counts as a failure
STALE_RETRY_S: Final = 0.02  # the watch will tell soon what a write has found out already

log = get_logger("engine")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended: `ok=False` backs off, `after_s` asks for another run, `gone` means there is nothing to run for."""

    result: str
    ok: bool = True
    after_s: float | None = None
    gone: bool = False


class _Stale(Exception):
    """The cache is behind what a write met. The object has been read again."""


class Applier:
    """Carries out one reconciler's plans."""

    def __init__(
        self,
        reconciler: Reconciler[Any],
        *,
        kube: Kube,
        cache: Cache,
        configs: Configs,
        clock: Clock,
        recorder: Recorder,
        quiet: Quiet | None = None,
    ) -> None:
        """`quiet`: the status of a pass that changed something waits for what the change sets off."""
        self.kind: AnyKind = reconciler.kind
        self.component = f"{self.kind.singular}-controller"
        self._reconciler = reconciler
        self._owns = {(k.api_version, k.kind): k for k in reconciler.owns}
        self._kube = kube
        self._cache = cache
        self._configs = configs
        self._clock = clock
        self._recorder = recorder
        self._quiet = quiet

    async def reconcile(self, key: Key) -> Outcome:
        """Raises what the API raises, conflicts aside."""
        for _ in range(CONFLICTS_MAX):
            try:
                return await self._pass(key)
            except _Stale:
                continue
        return Outcome("conflict", ok=False)

    async def _pass(self, key: Key) -> Outcome:
        raw = self._cache.raw(self.kind, key.namespace, key.name)
        if raw is None:
            return Outcome("gone", gone=True)
        if raw["metadata"].get("deletionTimestamp"):
            return Outcome("deleting")  # its children are the garbage collector's business
        try:
            plan = self._desired(raw)
        except Wait as wait:
            log.debug("waiting", kind=self.kind.resource, name=str(key), why=str(wait))
            return Outcome("wait", after_s=wait.retry_after_s)
        except (Invalid, ValidationError) as error:
            log.warning("invalid", kind=self.kind.resource, name=str(key), error=str(error))
            self._say(raw, Note("Warning", "Invalid", str(error)))
            return Outcome("invalid")
        await self._carry_out(raw, plan)
        return Outcome("ok", after_s=plan.requeue_after_s)

    def _desired(self, raw: Obj) -> Plan:
        resource = self.kind.view(raw)
        return self._reconciler.desired(resource, self._cache, self._configs, self._clock.wall())

    async def _carry_out(self, raw: Obj, plan: Plan) -> None:
        for note in plan.events:
            self._say(raw, note)
        changes = self._changes(raw, plan)
        for change in changes:
            try:
                await self._make(raw, change)
            except (Forbidden, InvalidObject) as error:
                if isinstance(change, Create):
                    await self._refused(raw, plan, error)
                raise
        for drop in plan.drops:
            await self._delete(drop.kind, Key(drop.namespace, drop.name), drop.uid)
        for patch in plan.patches:
            await self._patch(patch)
        if plan.status is not None and not diff.same_status(raw.get("status"), plan.status):
            if self._quiet is not None and (changes or plan.drops or plan.patches):
                await self._quiet.settle()
            await self._write_status(raw, plan.status)

    async def _refused(self, raw: Obj, plan: Plan, error: ApiError) -> None:
        """A child may not be: its owner says so. The pass is tried again later all the same."""
        self._say(raw, Note("Warning", "FailedCreate", f"Error creating: {error.message}"))
        if plan.refused is None:
            return
        status = plan.refused(error.message)
        if not diff.same_status(raw.get("status"), status):
            await self._write_status(raw, status)

    def _changes(self, raw: Obj, plan: Plan) -> list[diff.Change]:
        uid = raw["metadata"]["uid"]
        return diff.children(
            uid,
            ((self._kind_of(child), child) for child in plan.children),
            self._owned(uid),
            live=lambda kind, key: self._cache.raw(kind, key.namespace, key.name),
            prune=plan.prune,
        )

    def _owned(self, uid: str) -> Iterator[tuple[AnyKind, Obj]]:
        for kind in self._owns.values():
            for obj in self._cache.owned(kind, uid):
                yield kind, obj

    def _kind_of(self, child: Obj) -> AnyKind:
        names = (child["apiVersion"], child["kind"])
        assert names in self._owns, f"{self.component} plans {names} but does not own that kind"
        return self._owns[names]

    async def _make(self, raw: Obj, change: diff.Change) -> None:
        match change:
            case Create(kind, obj):
                await self._write(kind, key_of(obj), self._kube.create(kind, obj))
            case Update(kind, obj):
                await self._write(kind, key_of(obj), self._kube.update(kind, obj))
            case Delete(kind, key, uid):
                await self._delete(kind, key, uid)
            case NotOwned(kind, key):
                message = f'There is an existing {kind.kind} "{key.name}" that we do not own.'
                log.warning("not owned", kind=kind.resource, name=str(key), owner=str(key_of(raw)))
                self._say(raw, Note("Warning", "NotOwned", message))
            case _:
                assert_never(change)

    async def _write(self, kind: AnyKind, key: Key, call: Awaitable[Obj]) -> None:
        try:
            written = await call
        except (Conflict, NotFound) as error:
            await self._read_again(kind, key)
            raise _Stale from error
        self._cache.observe(kind, written)

    async def _delete(self, kind: AnyKind, key: Key, uid: str) -> None:
        try:
            await self._kube.delete(kind, key.namespace, key.name, uid=uid)
        except NotFound:
            return
        except Conflict as error:
            if await self._read_again(kind, key) == uid:
                raise _Stale from error
            # another object has that name now, and it is not ours to delete

    async def _patch(self, patch: Patch) -> None:
        live = self._cache.raw_or_none(patch.kind, Key(patch.namespace, patch.name))
        if patch.type == "merge" and live is not None and diff.merge_is_done(live, patch.body):
            return
        try:
            written = await self._kube.patch(
                patch.kind,
                patch.namespace,
                patch.name,
                patch.body,
                type=patch.type,
                subresource=patch.subresource,
            )
        except Conflict as error:
            await self._read_again(patch.kind, Key(patch.namespace, patch.name))
            raise _Stale from error
        if not patch.subresource:
            self._cache.observe(patch.kind, written)

    async def _write_status(self, raw: Obj, status: Obj) -> None:
        with_status = {**raw, "status": status}
        await self._write(self.kind, key_of(raw), self._kube.update_status(self.kind, with_status))

    async def _read_again(self, kind: AnyKind, key: Key) -> str:
        """Put what is there now into the cache and return its uid; "" when it is gone, of which only the watch can tell."""
        known = self._cache.raw_or_none(kind, key)
        try:
            found = await self._kube.get(kind, key.namespace, key.name)
        except NotFound:
            await self._clock.sleep(STALE_RETRY_S)
            return ""
        if known is not None and known["metadata"] == found["metadata"]:
            await self._clock.sleep(STALE_RETRY_S)  # the write that we met is not on disk yet
        self._cache.observe(kind, found)
        return str(found["metadata"]["uid"])

    def _say(self, raw: Obj, note: Note) -> None:
        self._recorder.say(raw, note, component=self.component)
