"""What becomes of a deleted namespace: its contents are deleted, then it goes.

Driven by the store's changes. Behaviour: k8s.io/kubernetes pkg/controller/namespace. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds import NAMESPACE
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change, Entry
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import DeleteOptions
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError, Conflict, NotFound

RETRY_S: Final = 1.0
PARALLEL: Final = 64
OWN: Final = "kubernetes"


class NamespaceSweeper:
    def __init__(self, objects: Objects, kinds: Kinds) -> None:
        self._objects = objects
        self._store = objects.store
        self._kinds = kinds
        self._inbox = Inbox[str]()
        self._log = get_logger("apiserver.namespaces")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        for entry in self._store.list(NAMESPACE.resource):
            self._consider(entry.obj["metadata"]["name"])
        self._store.subscribe(self._seen)
        task_status.started()
        while True:
            for name in await self._inbox.take():
                await self._sweep(name)

    def _seen(self, change: Change) -> None:
        self._consider(change.key.namespace or change.key.name)

    def _consider(self, name: str) -> None:
        if self._terminating(name) is not None:
            self._inbox.put(name)

    def _terminating(self, name: str) -> Entry | None:
        entry = self._store.get(NAMESPACE.resource, Key("", name))
        return entry if entry and entry.obj["metadata"].get("deletionTimestamp") else None

    async def _sweep(self, name: str) -> None:
        entry = self._terminating(name)
        if entry is None:
            return
        namespaced = [kind for kind in self._kinds.resources if kind.namespaced]
        left = [(k, e) for k in namespaced for e in self._store.list(k.resource, name)]
        try:
            if left:
                await self._empty(name, left)
            else:
                await self._objects.amend(NAMESPACE, Key("", name), entry.uid, _release)
        except (NotFound, Conflict) as error:
            # A newer write is on its way to disk, and wakes us when it is there. Trying again before would never let it.
            self._log.debug("changed meanwhile", ns=name, error=error.message)
        except Unavailable as error:
            self._log.warning("cannot empty the namespace", ns=name, error=error.message)
            await self._objects.clock.sleep(RETRY_S)
            self._consider(name)

    async def _empty(self, name: str, left: list[tuple[AnyKind, Entry]]) -> None:
        """Ask each object to go; those with finalizers or a grace period take their time, and wake us when gone."""
        refused: list[str] = []
        fresh = [(k, e) for k, e in left if not e.obj["metadata"].get("deletionTimestamp")]
        for start in range(0, len(fresh), PARALLEL):
            async with anyio.create_task_group() as group:
                for kind, entry in fresh[start : start + PARALLEL]:
                    key = Key(name, entry.obj["metadata"]["name"])
                    group.start_soon(self._delete, kind, key, refused)
        if refused:
            self._log.warning("cannot empty the namespace", ns=name, error=refused[0])
            await self._objects.clock.sleep(RETRY_S)
            self._consider(name)

    async def _delete(self, kind: AnyKind, key: Key, refused: list[str]) -> None:
        options = DeleteOptions(propagation="Background")
        try:
            await self._objects.delete(kind, key, CONTROLLER, options=options)
        except NotFound:
            return
        except (ApiError, Unavailable) as error:
            refused.append(f"{kind.resource} {key.name}: {error.message}")


def _release(obj: Obj) -> None:
    """Our own finalizer: others wait for whom they are of."""
    spec = obj.get("spec") or {}
    obj["spec"] = {**spec, "finalizers": [f for f in spec.get("finalizers") or () if f != OWN]}
