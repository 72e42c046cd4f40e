"""The Node and its heartbeat."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from tanebi.api.core.kinds import LEASE, NAMESPACE
from tanebi.api.core.kinds_cluster import NODE
from tanebi.base.clock import SystemClock
from tanebi.kube.errors import NotFound
from tanebi.kubelet import eviction, node
from tanebi.kubelet.eviction import Disk
from tanebi.kubelet.machine import Machine
from tanebi.kubelet.node import LEASES, NodeKeeper, make_status
from tanebi.testing.waiting import wait_until
from tests.tanebi.kubelet.conftest import Platform

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Machine("m", 4, 2048 * 1024, 4096 * 1024, "6.1", "Linux", "amd64", "i", "b", "s")
OTHER = {"key": "mine", "effect": "NoSchedule"}


def test_status() -> None:
    first = make_status(MACHINE, {}, runtime="tanebi://1", now=NOW)
    assert first["allocatable"]["cpu"] == "4"
    assert first["capacity"]["memory"] == "2048Ki"
    assert {c["type"]: c["status"] for c in first["conditions"]} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    later = make_status(MACHINE, {"status": first}, runtime="x", now=NOW.replace(year=2027))
    assert later["conditions"][-1]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert later["conditions"][-1]["lastHeartbeatTime"] == "2027-01-01T00:00:00Z"


@pytest.mark.anyio
async def test_a_node_is_registered_and_its_lease_renewed(
    platform: Platform, tmp_path: Path
) -> None:
    kube = platform.kube
    await kube.create(NAMESPACE, {"metadata": {"name": LEASES}})
    keeper = NodeKeeper(kube, clock=SystemClock(), name="mine", runtime="x://1", folder=tmp_path)
    async with anyio.create_task_group() as tasks:
        await tasks.start(keeper.run)
        found = await kube.get(NODE, "", "mine")
        assert found["status"]["nodeInfo"]["containerRuntimeVersion"] == "x://1"
        assert found["metadata"]["labels"]["kubernetes.io/os"] == "linux"

        async def held() -> bool:
            try:
                lease = await kube.get(LEASE, LEASES, "mine")
            except NotFound:
                return False
            return bool(lease["spec"]["holderIdentity"] == "mine")

        await wait_until(held)
        tasks.cancel_scope.cancel()
    await kube.patch(NODE, "", "mine", {"spec": {"unschedulable": True}})
    async with anyio.create_task_group() as tasks:
        await tasks.start(keeper.run)
        tasks.cancel_scope.cancel()
    again = await kube.get(NODE, "", "mine")
    assert again["spec"]["unschedulable"] is True, "what a user said stays"


@pytest.mark.anyio
async def test_a_disk_that_is_nearly_full_repels_pods_until_there_is_room(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube, disk = platform.kube, [Disk(1000, 50)]
    monkeypatch.setattr(node, "disk_of", lambda folder: disk[0])
    monkeypatch.setattr(node, "RENEW_S", 0.01)
    monkeypatch.setattr(eviction, "CALM_S", 0.0)
    await kube.create(NAMESPACE, {"metadata": {"name": LEASES}})
    keeper = NodeKeeper(kube, clock=SystemClock(), name="mine", runtime="x://1", folder=tmp_path)

    async def pressed() -> tuple[str, list[str]]:
        found = await kube.get(NODE, "", "mine")
        condition = next(c for c in found["status"]["conditions"] if c["type"] == "DiskPressure")
        return condition["reason"], [t["key"] for t in found["spec"].get("taints") or ()]

    async with anyio.create_task_group() as tasks:
        await tasks.start(keeper.run)
        assert await pressed() == ("KubeletHasDiskPressure", ["node.kubernetes.io/disk-pressure"])
        taints = [*(await kube.get(NODE, "", "mine"))["spec"]["taints"], OTHER]
        await kube.patch(NODE, "", "mine", {"spec": {"taints": taints}})
        disk[0] = Disk(1000, 500)

        async def over() -> bool:
            return await pressed() == ("KubeletHasNoDiskPressure", ["mine"])

        await wait_until(over)
        tasks.cancel_scope.cancel()
