"""Measures what pods have on the disk, and evicts those that have too much (tanebi.kubelet.eviction says which).

Only pods that a limit holds for are measured, and all of them when the disk is nearly full. Measuring walks their folders in a
worker thread and asks the engine for the size of its layers; it sets its own pace: never more than a twentieth of the time.
Caller: tanebi.kubelet.kubelet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from anyio import to_thread

from tanebi.api.core.pod import Pod
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet import eviction
from tanebi.kubelet.eviction import Disk, Usage
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import PodRuntime
from tanebi.kubelet.treesize import tree_bytes

PERIOD_S: Final = 10.0  # the kubelet's own
SHARE: Final = 20

_log = get_logger("storage")


class Evictable(Protocol):
    """A pod that runs here."""

    @property
    def pod(self) -> Pod: ...

    @property
    def finished(self) -> bool: ...

    def evict(self, message: str) -> None: ...


class StorageWatch:
    """Inert until `run`. `folder` is the data directory's `pods`; its disk is the one that counts."""

    def __init__(
        self,
        pods: PodRuntime,
        logs: LogStore,
        *,
        folder: Path,
        clock: Clock,
        workers: Callable[[], Iterable[Evictable]],
        period_s: float = PERIOD_S,
    ) -> None:
        self._pods = pods
        self._logs = logs
        self._folder = folder
        self._clock = clock
        self._workers = workers
        self._period_s = period_s

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = self._clock.now()
            try:
                await self.look()
            except OSError as error:
                _log.warning("storage of pods not measured", why=str(error))
            took_s = self._clock.now() - began
            await self._clock.sleep(max(self._period_s, SHARE * took_s))

    async def look(self) -> None:
        """Once. Raises OSError."""
        short = bool(disk_of(self._folder).missing)
        found: list[tuple[Evictable, Usage]] = []
        for worker in tuple(self._workers()):
            pod = worker.pod
            if worker.finished or not (short or eviction.is_limited(pod)):
                continue
            usage = await self._usage(pod, whole=short)
            if message := eviction.over_limit(pod, usage):
                worker.evict(message)
            else:
                found.append((worker, usage))
        disk = disk_of(self._folder)
        victim = eviction.for_room([(worker.pod, usage) for worker, usage in found], disk)
        if victim is not None:
            uid = victim[0].metadata.uid
            next(one for one, _ in found if one.pod.metadata.uid == uid).evict(victim[1])

    async def _usage(self, pod: Pod, *, whole: bool) -> Usage:
        volumes = await to_thread.run_sync(self._measured, pod)
        if not whole and not eviction.has_limited_containers(pod):
            return Usage(volumes)
        written = dict(await self._pods.written(pod))
        for name, size in (await to_thread.run_sync(self._logs.sizes, pod)).items():
            written[name] = written.get(name, 0) + size
        return Usage(volumes, written)

    def _measured(self, pod: Pod) -> dict[str, int]:
        home = self._folder / pod.metadata.uid / "volumes"
        return {name: tree_bytes(home / name) for name in eviction.disk_volumes(pod)}


def disk_of(folder: Path) -> Disk:
    """Raises OSError."""
    found = os.statvfs(folder)
    return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
