from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.base.stages import Stages
from tanebi.kube.cache import Cache
from tanebi.kubelet.endpoints import MANAGED_BY, MANAGER
from tanebi.testing.control import control_plane
from tanebi.up.stale import forget_endpoints

pytestmark = pytest.mark.anyio


def slice_(name: str, manager: str, *addresses: str) -> Obj:
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": {"name": name, "namespace": "default", "labels": {MANAGED_BY: manager}},
        "addressType": "IPv4",
        "ports": [],
        "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
    }


async def test_addresses_of_an_earlier_run_are_gone_before_anybody_uses_them(
    tmp_path: Path,
) -> None:
    async with control_plane(tmp_path) as control, Stages() as stages:
        for obj in (
            slice_("ours", MANAGER, "10.0.0.1"),
            slice_("empty", MANAGER),
            slice_("theirs", "somebody", "10.0.0.2"),
        ):
            await control.kube.create(ENDPOINT_SLICE, obj)
        cache = Cache(control.kube, SystemClock())
        cache.watch(ENDPOINT_SLICE)
        await stages.start(cache.run)
        await cache.wait_synced()
        await forget_endpoints(control.kube, cache)
        left = await control.kube.list(ENDPOINT_SLICE, None)
        assert sorted(o["metadata"]["name"] for o in left.items) == ["empty", "theirs"]
