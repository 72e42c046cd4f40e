"""The pods of this machine: one worker for each pod that the API has for this node.

At the start everything that an earlier, killed run left behind is ended first; then the pods that the API still has are started
again, with their restarts counted. A pod's ADDED event starts its worker on the next turn of the loop: nothing is polled.

Caller: tanebi.up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus

from tanebi.api.core.kinds import CONFIG_MAP, POD, SECRET
from tanebi.api.core.kinds_cluster import CLAIM
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.quiet import Quiet
from tanebi.kube.recorder import Recorder
from tanebi.kubelet.drain import Drain
from tanebi.kubelet.images import ImageWatch
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import PodRuntime
from tanebi.kubelet.pods import IMAGE_REASONS
from tanebi.kubelet.podstreams import KubeletStreams
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.storage import StorageWatch
from tanebi.kubelet.tokens import PodTokens
from tanebi.kubelet.worker import PodWorker, Tools

STOP_GRACE_S: Final = (
    10.0  # what a pod gets when the platform ends, if its own grace period is longer
)
WORKER_RETRY_S: Final = 10.0
STARTING_S: Final = 0.04  # what a quick program takes to answer
FIRST_REPORT_S: Final = 10.0  # how long the start waits for the pods that were there

_log = get_logger("kubelet")


class Kubelet:
    """Inert until `run`. `folder` is the data directory's `pods`."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        *,
        pods: PodRuntime,
        image_watch: ImageWatch,
        logs: LogStore,
        drain: Drain,
        recorder: Recorder,
        clock: Clock,
        folder: Path,
        node: str,
        stop_grace_s: float = STOP_GRACE_S,
        host: str = POD_IP,
        quiet: Quiet | None = None,
        streams: KubeletStreams | None = None,
        tokens: PodTokens | None = None,
        started: Callable[[Pod], None] = lambda pod: None,
    ) -> None:
        """`host` is the machine's address; `quiet` is told of each start, so that what can wait does; `streams` gives others
        access to running pods; `tokens` are what running pods project; `started` is told when a pod's container was started,
        or woken."""
        self._quiet = quiet
        self._cache = cache
        self._image_watch = image_watch
        self._tokens = tokens
        self._tools = Tools(
            kube=kube,
            cache=cache,
            pods=pods,
            logs=logs,
            drain=drain,
            recorder=recorder,
            clock=clock,
            node=node,
            stop_grace_s=stop_grace_s,
            folder=folder,
            host=host,
            started=started,
        )
        self._workers: dict[str, PodWorker] = {}
        self._storage = StorageWatch(
            pods, logs, folder=folder, clock=clock, workers=self._workers.values
        )
        self._tasks: TaskGroup | None = None
        if streams is not None:
            streams.serve(pods, self._worker_of)
        for kind in (POD, CONFIG_MAP, SECRET, CLAIM):
            cache.watch(kind)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled; then every container is ended. Started when the pods that were there run again."""
        left = await self._tools.pods.clean_all()
        if left:
            _log.warning("ended what an earlier run left behind", processes=left)
        _offer_interpreter(self._tools.folder / "bin")
        await self._cache.wait_synced(POD, CONFIG_MAP, SECRET, CLAIM)
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for pod in self._cache.list(POD, None):
                self._tools.pods.remember(pod)
            self._cache.subscribe(POD, self._on_pod)
            self._cache.subscribe(CONFIG_MAP, partial(self._on_config, CONFIG_MAP))
            self._cache.subscribe(SECRET, partial(self._on_config, SECRET))
            self._image_watch.subscribe(self._on_images)
            if self._tokens is not None:
                self._tokens.subscribe(self._on_tokens)
                tasks.start_soon(self._tokens.run)
            tasks.start_soon(self._storage.run)
            with anyio.move_on_after(FIRST_REPORT_S):
                for worker in tuple(self._workers.values()):
                    await worker.reported.wait()
            task_status.started()
            await anyio.sleep_forever()

    @property
    def pods(self) -> int:
        """How many are at work, or end."""
        return len(self._workers)

    def _on_pod(self, old: Obj | None, new: Obj | None) -> None:
        known = new or old or {}
        uid = known["metadata"]["uid"]
        if old is not None and new is not None and old["metadata"]["uid"] != uid:
            self._on_pod(old, None)  # replaced by another of the same name
        worker = self._workers.get(uid)
        if new is None:
            if worker is not None:
                worker.gone()
        elif worker is not None:
            worker.update(new)
        elif self._is_ours(new):
            self._begin(new)

    def _worker_of(self, key: Key) -> PodWorker | None:
        obj = self._cache.raw(POD, key.namespace, key.name)
        return self._workers.get(obj["metadata"]["uid"]) if obj is not None else None

    def _begin(self, pod: Obj) -> None:
        assert self._tasks is not None, "subscribed by run"
        if self._quiet is not None:
            self._quiet.touch(lasting_s=STARTING_S)
        uid = pod["metadata"]["uid"]
        worker = self._workers[uid] = PodWorker(pod, POD.view(pod), self._tools)
        self._tasks.start_soon(self._work, uid, worker)

    def _is_ours(self, pod: Obj) -> bool:
        return bool((pod.get("spec") or {}).get("nodeName") == self._tools.node)

    async def _work(self, uid: str, worker: PodWorker) -> None:
        try:
            await worker.run()
        except Exception:  # one pod's failure must not take the others down, nor that pod for ever
            _log.exception("pod worker failed", ns=worker.key.namespace, name=worker.key.name)
            await self._tools.clock.sleep(WORKER_RETRY_S)
        finally:
            self._workers.pop(uid, None)
        if self._tokens is not None:
            self._tokens.forget(uid)
        left = self._cache.raw(POD, worker.key.namespace, worker.key.name)
        if left is not None and left["metadata"]["uid"] == uid and not worker.ended:
            self._begin(left)

    def _on_config(self, kind: AnyKind, old: Obj | None, new: Obj | None) -> None:
        known = new or old
        if known is not None:
            for worker in self._workers.values():
                worker.configured(kind, key_of(known))

    def _on_tokens(self, pod_uid: str) -> None:
        worker = self._workers.get(pod_uid)
        if worker is not None:
            worker.outdated()

    def _on_images(self) -> None:
        for worker in self._workers.values():
            worker.retry(IMAGE_REASONS)


def _offer_interpreter(folder: Path) -> None:
    """`python` and `python3` in `folder`, so that a command finds the interpreter that runs the platform."""
    folder.mkdir(parents=True, exist_ok=True)
    base = getattr(sys, "_base_executable", sys.executable)
    for name in ("python", "python3"):
        link = folder / name
        fresh = folder / f".{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(base)
        os.replace(fresh, link)
