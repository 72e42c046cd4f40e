"""The life of a definition: its conditions, and what its deletion takes with it.

Driven by the store's changes. Behaviour: k8s.io/apiextensions-apiserver pkg/controller status, establish and finalizer.
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Key, Obj, annotations_of, rfc3339
from tanebi.apiserver.definitions.kinds import Acceptance
from tanebi.apiserver.definitions.own import OWN, condition
from tanebi.apiserver.definitions.registry import Registry, is_established
from tanebi.apiserver.definitions.types import CLEANUP, CRD
from tanebi.apiserver.history import Change, Entry
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import DeleteOptions
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError, Conflict, NotFound, ServerError

RETRY_S: Final = 1.0
PARALLEL: Final = 64


class DefinitionController:
    def __init__(self, objects: Objects, kinds: Kinds, registry: Registry) -> None:
        self._objects = objects
        self._store = objects.store
        self._kinds = kinds
        self._registry = registry
        self._inbox = Inbox[str]()
        self._ending: set[str] = set()
        self._log = get_logger("apiserver.definitions")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        for entry in self._store.list(CRD.resource):
            self._inbox.put(entry.obj["metadata"]["name"])
        self._store.subscribe(self._seen)
        task_status.started()
        while True:
            for name in await self._inbox.take():
                await self._settle(name)

    def _seen(self, change: Change) -> None:
        if change.resource == CRD.resource:
            self._inbox.put(change.key.name)
            if change.type == "DELETED":
                for entry in self._store.list(CRD.resource):  # a name may be free now
                    self._inbox.put(entry.obj["metadata"]["name"])
        elif change.type == "DELETED" and change.resource in self._ending:
            self._inbox.put(change.resource)

    async def _settle(self, name: str) -> None:
        entry = self._store.get(CRD.resource, Key("", name))
        if entry is None:
            self._ending.discard(name)
            return
        if annotations_of(entry.obj).get(OWN):
            return
        try:
            if entry.obj["metadata"].get("deletionTimestamp"):
                await self._end(name, entry)
            else:
                await self._tell(name, entry)
        except (NotFound, Conflict) as error:
            self._log.debug("changed meanwhile", definition=name, error=error.message)
        except (Unavailable, ApiError) as error:
            self._log.warning("cannot settle a definition", definition=name, error=str(error))
            await self._objects.clock.sleep(RETRY_S)
            self._inbox.put(name)

    async def _tell(self, name: str, entry: Entry) -> None:
        accepted = self._registry.acceptance(name)
        if accepted is None:
            return
        now = self._objects.clock.wall()

        def change(obj: Obj) -> None:
            told(obj, accepted, now)

        await self._objects.amend(CRD, Key("", name), entry.uid, change)

    async def _end(self, name: str, entry: Entry) -> None:
        """Delete what there is of the kind; the definition goes with the last of it."""
        self._ending.add(name)
        kind = self._kinds.of_resource(name)
        left = self._store.list(name) if self._registry.acceptance(name) is not None else []
        if not left or kind is None:
            await self._objects.amend(CRD, Key("", name), entry.uid, _release)
            return
        refused: list[str] = []
        fresh = [e for e in left if not e.obj["metadata"].get("deletionTimestamp")]
        for start in range(0, len(fresh), PARALLEL):
            async with anyio.create_task_group() as group:
                for one in fresh[start : start + PARALLEL]:
                    meta = one.obj["metadata"]
                    key = Key(meta.get("namespace") or "", meta["name"])
                    group.start_soon(self._delete, kind, key, refused)
        if refused:
            raise ServerError(f"{name}: cannot delete {refused[0]}")

    async def _delete(self, kind: AnyKind, key: Key, refused: list[str]) -> None:
        options = DeleteOptions(propagation="Background")
        try:
            await self._objects.delete(kind, key, CONTROLLER, options=options)
        except NotFound:
            return
        except (ApiError, Unavailable) as error:
            refused.append(f"{key}: {error.message}")


def told(obj: Obj, accepted: Acceptance, now: datetime) -> None:
    """Write `accepted` into the status of a definition, in place. What is said already keeps its time."""
    status = obj.setdefault("status", {})
    stamp = rfc3339(now)
    before = {c.get("type"): c for c in status.get("conditions") or ()}
    if accepted.reason:
        names = condition("NamesAccepted", "False", accepted.reason, accepted.message, stamp)
        text = "not all names are accepted"
        ready = condition("Established", "False", "NotAccepted", text, stamp)
        if is_established(obj):
            ready = before["Established"]
    else:
        names = condition("NamesAccepted", "True", "NoConflicts", "no conflicts found", stamp)
        text = "the initial names have been accepted"
        ready = condition("Established", "True", "InitialNamesAccepted", text, stamp)
        status["acceptedNames"] = obj["spec"]["names"]
    own = {one["type"]: _kept(before.pop(one["type"], None), one) for one in (names, ready)}
    status["conditions"] = [*own.values(), *before.values()]  # what others say stays


def _kept(before: Obj | None, now: Obj) -> Obj:
    if before is None:
        return now
    same = all(before.get(name) == now[name] for name in ("status", "reason", "message"))
    if same:
        return before
    if before.get("status") == now["status"]:
        return {**now, "lastTransitionTime": before.get("lastTransitionTime")}
    return now


def _release(obj: Obj) -> None:
    meta = obj["metadata"]
    meta["finalizers"] = [one for one in meta.get("finalizers") or () if one != CLEANUP]
    if not meta["finalizers"]:
        del meta["finalizers"]
