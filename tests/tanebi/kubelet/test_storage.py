"""Measuring pods on a real folder, and who is evicted for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet import storage
from tanebi.kubelet.eviction import Disk
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.storage import StorageWatch, disk_of
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


@dataclass
class Runs:
    pod: Pod
    finished: bool = False
    told: list[str] = field(default_factory=list)

    def evict(self, message: str) -> None:
        self.told.append(message)
        self.finished = True


@dataclass
class Pods:
    sizes: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    async def written(self, pod: Pod) -> Mapping[str, int]:
        self.asked += 1
        return self.sizes


def pod(uid: str, *, limit: str = "", volume: Obj | None = None) -> Pod:
    resources = {"limits": {"ephemeral-storage": limit}} if limit else {}
    spec = {
        "containers": [{"name": "c", "resources": resources}],
        "volumes": [{"name": "v", "emptyDir": volume or {}}],
    }
    return POD.view({"metadata": {"name": uid, "namespace": "ns", "uid": uid}, "spec": spec})


def watch(folder: Path, pods: Pods, *runs: Runs, period_s: float = 0.01) -> StorageWatch:
    found: Any = pods
    logs = LogStore(folder / "logs", clock=SystemClock())
    return StorageWatch(
        found, logs, folder=folder, clock=SystemClock(), workers=lambda: runs, period_s=period_s
    )


def write(folder: Path, uid: str, size: int) -> None:
    home = folder / uid / "volumes" / "v"
    home.mkdir(parents=True)
    (home / "file").write_bytes(bytes(size))


async def test_a_volume_above_its_limit(tmp_path: Path) -> None:
    small, large = (
        Runs(pod("a", volume={"sizeLimit": "1Mi"})),
        Runs(pod("b", volume={"sizeLimit": "1k"})),
    )
    free = Runs(pod("c"))
    for uid in ("a", "b", "c"):
        write(tmp_path, uid, 100_000)
    pods = Pods()
    await watch(tmp_path, pods, small, large, free).look()
    assert large.told == ['Usage of EmptyDir volume "v" exceeds the limit "1k". ']
    assert (small.told, free.told, pods.asked) == ([], [], 0), "layers are measured for limits only"


async def test_what_a_container_wrote_and_said_counts(tmp_path: Path) -> None:
    one = Runs(pod("a", limit="1000k"))
    log = tmp_path / "logs/ns/a/c/0.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(bytes(300_000))
    pods = Pods({"c": 600_000})
    watching = watch(tmp_path, pods, one)
    await watching.look()
    assert one.told == []
    pods.sizes["c"] = 800_000
    await watching.look()
    assert one.told == [
        "Pod ephemeral local storage usage exceeds the total limit of containers 1000k. "
    ]
    await watching.look()
    assert pods.asked == 2, "what is finished is not measured"


async def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "disk_of", lambda folder: Disk(1_000_000, 50_000))
    one, two = Runs(pod("a")), Runs(pod("b"))
    write(tmp_path, "a", 10_000)
    write(tmp_path, "b", 200_000)
    await watch(tmp_path, Pods(), one, two).look()
    assert one.told == []
    assert two.told[0].startswith("The node was low on resource: ephemeral-storage. ")


async def test_it_looks_again_and_again(tmp_path: Path) -> None:
    one = Runs(pod("a", volume={"sizeLimit": "1k"}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch(tmp_path, Pods(), one).run)
        await anyio.lowlevel.checkpoint()
        write(tmp_path, "a", 10_000)
        await wait_until(lambda: one.told)
        tasks.cancel_scope.cancel()


def test_the_disk_of_a_folder(tmp_path: Path) -> None:
    found = disk_of(tmp_path)
    assert 0 < found.free < found.size
