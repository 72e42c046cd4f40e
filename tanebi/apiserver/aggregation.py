"""ClusterRoles with an aggregationRule show the rules that they collect, as Kubernetes' own controller writes them.

What a user may do does not wait for this: tanebi.apiserver.rbac follows the selectors itself. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds_identity import CLUSTER_ROLE
from tanebi.api.meta import Key, Obj, labels_of
from tanebi.api.selectors import from_object
from tanebi.apiserver.history import Change
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError

RETRY_S: Final = 1.0


def collected(role: Obj, roles: Iterable[Obj]) -> list[Obj]:
    """The rules of all other roles that the selectors of `role` match, each once, in the order of selectors and names."""
    found: list[Obj] = []
    others = sorted(roles, key=lambda other: str(other["metadata"]["name"]))
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        chosen = from_object(selector)
        for other in others:
            if other["metadata"]["name"] == role["metadata"]["name"]:
                continue
            if chosen.matches(labels_of(other)):
                found += [rule for rule in other.get("rules") or () if rule not in found]
    return found


class RoleAggregator:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._store = objects.store
        self._inbox = Inbox[str]()
        self._log = get_logger("apiserver.aggregation")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        self._store.subscribe(self._seen)
        self._consider_all()
        task_status.started()
        while True:
            for name in await self._inbox.take():
                try:
                    await self._settle(name)
                except (ApiError, Unavailable) as error:
                    self._log.warning("not aggregated", role=name, error=error.message)
                    await self._objects.clock.sleep(RETRY_S)
                    self._inbox.put(name)

    def _seen(self, change: Change) -> None:
        if change.resource == CLUSTER_ROLE.resource:
            self._consider_all()

    def _consider_all(self) -> None:
        for entry in self._store.list(CLUSTER_ROLE.resource):
            if entry.obj.get("aggregationRule"):
                self._inbox.put(entry.obj["metadata"]["name"])

    async def _settle(self, name: str) -> None:
        entry = self._store.newest(CLUSTER_ROLE.resource, Key("", name))
        if entry is None or not entry.obj.get("aggregationRule"):
            return
        rules = collected(entry.obj, (e.obj for e in self._store.list(CLUSTER_ROLE.resource)))
        if rules == (entry.obj.get("rules") or []):
            return

        def change(obj: Obj) -> Obj:
            return {**obj, "rules": rules}

        options = WriteOptions(
            field_validation="Ignore", manager="clusterrole-aggregation-controller"
        )
        await self._objects.update(CLUSTER_ROLE, Key("", name), change, CONTROLLER, options=options)
