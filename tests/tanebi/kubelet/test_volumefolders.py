"""Folders come and go with their volumes."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tanebi.api.core.kinds_cluster import VOLUME
from tanebi.api.meta import Obj
from tanebi.kubelet.claims import PROVISIONED_BY, PROVISIONER
from tanebi.kubelet.volumefolders import VolumeFolders
from tanebi.testing.waiting import wait_until
from tests.tanebi.kubelet.conftest import Platform


def volume(name: str, folder: Path) -> Obj:
    return {
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": str(folder / name)},
        },
    }


@pytest.mark.anyio
async def test_folders_follow_volumes(platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "volumes"
    (folder / "stale").mkdir(parents=True)
    platform.cache.watch(VOLUME)
    async with anyio.create_task_group() as tasks:
        await tasks.start(VolumeFolders(platform.cache, folder).run)
        assert list(folder.iterdir()) == []
        await platform.kube.create(VOLUME, volume("pvc-1", folder))

        async def there() -> bool:
            return (folder / "pvc-1").exists()

        await wait_until(there)
        (folder / "pvc-1" / "data").write_text("kept")
        await platform.kube.delete(VOLUME, "", "pvc-1")

        async def gone() -> bool:
            return not (folder / "pvc-1").exists()

        await wait_until(gone)
        tasks.cancel_scope.cancel()
