"""What is there from the start: namespaces, default ConfigMaps, a StorageClass, the API's Service, priorities, roles.

Created when absent, never changed.

Caller: tanebi.up, after the store is open and before the controllers run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Final

import anyio

from tanebi.api.core.kinds import CONFIG_MAP, ENDPOINTS, NAMESPACE, SERVICE
from tanebi.api.core.kinds_cluster import PRIORITY_CLASS, STORAGE_CLASS
from tanebi.api.core.kinds_identity import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from tanebi.api.core.storage_rules import DEFAULT_CLASS, IS_DEFAULT, WAIT_FOR_POD
from tanebi.api.kind import AnyKind, ConfigKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import roles
from tanebi.apiserver.crd import config_map
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.user import CONTROLLER

NAMESPACES: Final = (
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "knative-serving",
    "knative-eventing",
)


# A claim that names no class gets a folder of this machine.
STORAGE: Final[Obj] = {
    "metadata": {"name": DEFAULT_CLASS, "annotations": {IS_DEFAULT: "true"}},
    "provisioner": "tanebi.dev/local-path",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": WAIT_FOR_POD,
}
PRIORITIES: Final = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}
# The API's own Service. Its endpoint is the server's business, which knows its port.
API_SERVICE: Final[Obj] = {
    "metadata": {
        "name": "kubernetes",
        "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"},
    },
    "spec": {
        "clusterIP": "10.96.0.1",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
    },
}


async def bootstrap(server: ApiServer, configs: Iterable[ConfigKind[Any]]) -> None:
    """Raises InvalidObject when a shipped ConfigMap does not pass its own admission: a bug of ours."""
    await server.install()
    for name in NAMESPACES:
        await _ensure(server.objects, NAMESPACE, {"metadata": {"name": name}})
    for config in configs:
        await _ensure(server.objects, CONFIG_MAP, config_map(config))
    await _ensure(server.objects, STORAGE_CLASS, copy.deepcopy(STORAGE))
    await _ensure(server.objects, SERVICE, copy.deepcopy(API_SERVICE))
    async with anyio.create_task_group() as group:  # together: one commit for many
        for role in roles.cluster_roles():
            group.start_soon(_ensure, server.objects, CLUSTER_ROLE, role)
        for binding in roles.cluster_role_bindings():
            group.start_soon(_ensure, server.objects, CLUSTER_ROLE_BINDING, binding)
    for name, value in PRIORITIES.items():
        await _ensure(server.objects, PRIORITY_CLASS, {"metadata": {"name": name}, "value": value})


async def _ensure(objects: Objects, kind: AnyKind, obj: Obj) -> None:
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    if objects.store.newest(kind.resource, Key(namespace or "", meta["name"])) is None:
        options = WriteOptions(field_validation="Ignore")
        await objects.create(kind, namespace, obj, CONTROLLER, options=options)


async def publish(server: ApiServer, address: str, port: int) -> None:
    """Where the API's Service leads. This is said anew at each start, for the port may be another."""
    subsets = [
        {
            "addresses": [{"ip": address}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        }
    ]
    obj: Obj = {"metadata": {"name": "kubernetes", "namespace": "default"}, "subsets": subsets}
    await _ensure(server.objects, ENDPOINTS, obj)
    key = Key("default", "kubernetes")

    def changed(live: Obj) -> Obj:
        return {**live, "subsets": subsets}

    options = WriteOptions(field_validation="Ignore")
    await server.objects.update(ENDPOINTS, key, changed, CONTROLLER, options=options)
