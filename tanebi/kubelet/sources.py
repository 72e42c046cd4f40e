"""Where pods' values come from here: the cache's ConfigMaps, Secrets and claims, and what the machine has.

Callers: tanebi.kubelet.launch (processes), tanebi.kubelet.engine.role (containers).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from tanebi.api.core.kinds import CONFIG_MAP, SECRET, SERVICE
from tanebi.api.core.kinds_cluster import CLAIM, VOLUME
from tanebi.api.meta import Key
from tanebi.kube.cache import Cache
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.ports import POD_IP

API_SERVICE: Final = Key("default", "kubernetes")  # of which API tells
BOUND: Final = "Bound"
# Where clients in a pod find the API, for pods that have the names of the cluster.
API: Final = {
    "KUBERNETES_SERVICE_HOST": "kubernetes.default.svc",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
}


def of_cache(cache: Cache, local_url: Callable[[str], str], *, host: str = POD_IP) -> Sources:
    """`local_url` tells how a URL looks from where the pods run."""
    return Sources(
        config_map=lambda ns, name: cache.get(CONFIG_MAP, ns, name),
        secret=lambda ns, name: cache.get(SECRET, ns, name),
        local_url=local_url,
        host=host,
        machine=machine(),
        claim=lambda ns, name: claimed(cache, ns, name),
        services=lambda ns: [one for one in cache.list(SERVICE, ns) if one.key != API_SERVICE],
    )


def claimed(cache: Cache, namespace: str, name: str) -> str:
    """The folder of this machine behind a claim. Raises ConfigError with what is missing."""
    claim = cache.get(CLAIM, namespace, name)
    if claim is None:
        raise ConfigError(f'persistentvolumeclaim "{name}" not found')
    if claim.status.phase != BOUND or not claim.spec.volume_name:
        raise ConfigError(f'persistentvolumeclaim "{name}" is not bound to a volume')
    volume = cache.get(VOLUME, "", claim.spec.volume_name)
    if volume is None:
        raise ConfigError(f'persistentvolume "{claim.spec.volume_name}" not found')
    place = volume.spec.host_path or volume.spec.local
    if place is None or not place.path:
        raise ConfigError(f'persistentvolume "{volume.metadata.name}" is no folder of this machine')
    return place.path


def machine() -> dict[str, str]:
    """What a container without limits may use."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {"cpu": str(os.cpu_count() or 1), "memory": str(pages * size)}
