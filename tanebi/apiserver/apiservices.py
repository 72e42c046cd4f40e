"""APIServices (apiregistration.k8s.io/v1): one for each group and version that this server has, as clients look for them.

All are local: there are no API servers beside this one, and one that names a service is refused. They come and go with the kinds.
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from pydantic import Field

from tanebi.api.kind import Column, Kind, Kinds
from tanebi.api.meta import Key, Model, Obj, Resource, labels_of, rfc3339
from tanebi.apiserver.history import Entry
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.status import cause
from tanebi.apiserver.store import Store, WriteRace
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger

MANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
RETRY_S: Final = 1.0


class ApiServiceSpec(Model):
    service: dict[str, Any] | None = None
    group: str = ""
    version: str = ""
    insecure_skip_tls_verify: bool = Field(default=False, alias="insecureSkipTLSVerify")
    ca_bundle: str | None = None
    group_priority_minimum: int = 0
    version_priority: int = 0


class ApiServiceStatus(Model):
    conditions: list[dict[str, Any]] = Field(default_factory=list)


class ApiService(Resource):
    spec: ApiServiceSpec = Field(default_factory=ApiServiceSpec)
    status: ApiServiceStatus = Field(default_factory=ApiServiceStatus)


def problems(obj: Obj, old: Obj | None) -> list[Obj]:
    """Every fault."""
    spec = obj.get("spec") or {}
    found: list[Obj] = []
    if spec.get("service"):
        text = "Forbidden: this server asks no other API servers"
        found.append(cause("FieldValueForbidden", "spec.service", text))
    wanted = f"{spec.get('version') or ''}.{spec.get('group') or ''}"
    if obj["metadata"].get("name") != wanted:
        text = f"Invalid value: must be `spec.version+'.'+spec.group`: {wanted}"
        found.append(cause("FieldValueInvalid", "metadata.name", text))
    return found


API_SERVICE: Final = Kind(
    "apiregistration.k8s.io",
    "v1",
    "APIService",
    "apiservices",
    ApiService,
    categories=("api-extensions",),
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=(
        Column("Service", cell=lambda obj, now: "Local"),
        Column("Available", ".status.conditions[?(@.type=='Available')].status"),
    ),
    problems=problems,
)


class ApiServiceKeeper:
    """Writes them past admission, as the server's own definitions are."""

    def __init__(self, store: Store, kinds: Kinds, clock: Clock) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self._inbox = Inbox[str]()
        self._log = get_logger("apiserver.apiservices")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        self._kinds.subscribe(self._inbox.put)
        self._inbox.put("")
        task_status.started()
        while True:
            await self._inbox.take()
            refused: list[Unavailable] = []
            await self._settle(refused)
            if refused:
                self._log.warning("not written", error=refused[0].message)
                await self._clock.sleep(RETRY_S)
                self._inbox.put("")

    async def _settle(self, refused: list[Unavailable]) -> None:
        wanted = {
            f"{kind.version}.{kind.group}": (kind.group, kind.version) for kind in self._kinds
        }
        async with anyio.create_task_group() as group:  # together: one commit for many
            for name, (api_group, version) in wanted.items():
                if self._store.newest(API_SERVICE.resource, Key("", name)) is None:
                    made = self._local(name, api_group, version)
                    group.start_soon(self._put, name, made, refused)
            for entry in self._store.list(API_SERVICE.resource):
                name = entry.obj["metadata"]["name"]
                if name not in wanted and MANAGED in labels_of(entry.obj):
                    group.start_soon(self._remove, entry, refused)

    async def _put(self, name: str, obj: Obj, refused: list[Unavailable]) -> None:
        try:
            await self._store.put(API_SERVICE.resource, Key("", name), obj, over=None)
        except WriteRace:
            return  # somebody has made it
        except Unavailable as error:
            refused.append(error)

    async def _remove(self, entry: Entry, refused: list[Unavailable]) -> None:
        key = Key("", entry.obj["metadata"]["name"])
        try:
            await self._store.remove(API_SERVICE.resource, key, over=entry)
        except WriteRace:
            return  # somebody has changed it, and so made it theirs
        except Unavailable as error:
            refused.append(error)

    def _local(self, name: str, group: str, version: str) -> Obj:
        stamp = rfc3339(self._clock.wall())
        return {
            "kind": "APIService",
            "apiVersion": API_SERVICE.api_version,
            "metadata": {
                "name": name,
                "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"apiservice.{name}")),
                "creationTimestamp": stamp,
                "labels": {MANAGED: "true"},
            },
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": 18000 if not group else 1000,
                "versionPriority": 15,
            },
            "status": {
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True",
                        "lastTransitionTime": stamp,
                        "reason": "Local",
                        "message": "Local APIServices are always available",
                    }
                ]
            },
        }
