"""The folders of volumes that were made for claims: there as long as their volumes are.

A folder is made when its volume appears and removed, with what is in it, when the volume is deleted; at the start those whose
volumes went while nobody looked. Caller: tanebi.up.
"""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds_cluster import VOLUME
from tanebi.api.meta import Obj, annotations_of
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache
from tanebi.kubelet.claims import PROVISIONED_BY, PROVISIONER

MODE: Final = 0o777  # pods write as whoever they run

_log = get_logger("volumes")


class VolumeFolders:
    """Inert until `run`. Nothing outside `folder` is touched."""

    def __init__(self, cache: Cache, folder: Path) -> None:
        self._cache = cache
        self._folder = folder
        self._waiting: deque[str] = deque()  # names of volumes, at most as many as there were
        self._wake = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started when what is there agrees with the volumes."""
        await self._cache.wait_synced(VOLUME)
        await anyio.to_thread.run_sync(self._tidy)
        self._cache.subscribe(VOLUME, self._on_volume)
        task_status.started()
        while True:
            while self._waiting:
                await anyio.to_thread.run_sync(self._settle, self._waiting.popleft())
            self._wake = anyio.Event()
            await self._wake.wait()

    def _on_volume(self, old: Obj | None, new: Obj | None) -> None:
        known = new or old or {}
        if annotations_of(known).get(PROVISIONED_BY) == PROVISIONER:
            self._waiting.append(str(known["metadata"]["name"]))
            self._wake.set()

    def _settle(self, name: str) -> None:
        path = self._folder / name
        if path.parent != self._folder:
            return
        if self._cache.raw(VOLUME, "", name) is None:
            _remove(path)
        elif not path.exists():
            path.mkdir(parents=True)
            path.chmod(MODE)

    def _tidy(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if self._cache.raw(VOLUME, "", path.name) is None:
                _remove(path)


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("volume not removed", path=str(path), why=error.strerror)
