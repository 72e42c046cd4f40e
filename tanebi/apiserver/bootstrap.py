"""What is there from the start: the namespaces, and every default ConfigMap. Created when absent, never changed.

Caller: tanebi.up, after the store is open and before the controllers run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tanebi.api.core.kinds import CONFIG_MAP, NAMESPACE
from tanebi.api.kind import AnyKind, ConfigKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.crd import config_map
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.user import CONTROLLER

NAMESPACES: Final = (
    "default",
    "kube-system",
    "kube-public",
    "knative-serving",
    "knative-eventing",
)


async def bootstrap(server: ApiServer, configs: Iterable[ConfigKind[Any]]) -> None:
    """Raises InvalidObject when a shipped ConfigMap does not pass its own admission: a bug of ours."""
    await server.install()
    for name in NAMESPACES:
        await _ensure(server.objects, NAMESPACE, {"metadata": {"name": name}})
    for config in configs:
        await _ensure(server.objects, CONFIG_MAP, config_map(config))


async def _ensure(objects: Objects, kind: AnyKind, obj: Obj) -> None:
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    if objects.store.newest(kind.resource, Key(namespace or "", meta["name"])) is None:
        options = WriteOptions(field_validation="Ignore")
        await objects.create(kind, namespace, obj, CONTROLLER, options=options)
