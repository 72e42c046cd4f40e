"""What an earlier run said and nobody may believe any more. Caller: tanebi.up.platform, before anything is served."""

from __future__ import annotations

from typing import Final

import anyio

from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.meta import Key, key_of, labels_of
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.errors import NotFound
from tanebi.kubelet.endpoints import MANAGED_BY, MANAGER

AT_ONCE: Final = 64


async def forget_endpoints(kube: Kube, cache: Cache) -> None:
    """Remove the EndpointSlices of pods that ran when the platform last did. These pods are gone, and at their addresses there
    may be others by now, of this platform or of anybody; their controller writes the slices anew once the pods run again."""
    slices = cache.raws(ENDPOINT_SLICE, None)
    stale = [
        key_of(obj)
        for obj in slices
        if obj.get("endpoints") and labels_of(obj).get(MANAGED_BY) == MANAGER
    ]
    at_once = anyio.CapacityLimiter(AT_ONCE)
    async with anyio.create_task_group() as tasks:
        for key in stale:
            tasks.start_soon(_delete, kube, key, at_once)


async def _delete(kube: Kube, key: Key, at_once: anyio.CapacityLimiter) -> None:
    async with at_once:
        try:
            await kube.delete(ENDPOINT_SLICE, key.namespace, key.name)
        except NotFound:
            return  # somebody else's delete was faster
