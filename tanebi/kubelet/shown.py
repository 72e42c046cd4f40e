"""Containers that a pod lists for its clients and nobody runs. Pure. Caller: tanebi.kubelet.worker.

The annotation `tanebi.dev/shown-only` on a pod names them. The pod is run as if they were not there; its status lists them,
running when the rest runs and ready when the rest is ready.
"""

from __future__ import annotations

from typing import Any, Final

from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj

SHOWN_ONLY: Final = "tanebi.dev/shown-only"


def split(pod: Pod) -> tuple[Pod, tuple[Container, ...]]:
    """The pod to run, and what is only shown. A pod of nothing but such containers is run as it is."""
    names = set(_asked(pod))
    shown = tuple(c for c in pod.spec.containers if c.name in names)
    kept = [c for c in pod.spec.containers if c.name not in names]
    if not shown or not kept:
        return pod, ()
    spec = pod.spec.model_copy(update={"containers": kept})
    return pod.model_copy(update={"spec": spec}), shown


def shown_names(pod: Pod) -> list[str]:
    """Of a pod as it is run."""
    run = {c.name for c in pod.spec.containers}
    return [name for name in _asked(pod) if name not in run]


def _asked(pod: Pod) -> list[str]:
    return [name for name in pod.metadata.annotations.get(SHOWN_ONLY, "").split(",") if name]


def with_shown(status: Obj, shown: tuple[Container, ...]) -> Obj:
    """The status of the pod that runs, with the entries of what is only shown."""
    if not shown:
        return status
    statuses = status.get("containerStatuses") or []
    begun = [since for one in statuses if (since := _running_since(one))]
    ready = bool(statuses) and all(one.get("ready") for one in statuses)
    entries = [_entry(container, min(begun, default=""), ready=ready) for container in shown]
    return {**status, "containerStatuses": [*statuses, *entries]}


def _running_since(status: dict[str, Any]) -> str:
    running = (status.get("state") or {}).get("running") or {}
    return str(running.get("startedAt") or "")


def _entry(container: Container, since: str, *, ready: bool) -> Obj:
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    return {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "state": {"running": {"startedAt": since}} if since else waiting,
        "lastState": {},
        "ready": ready,
        "started": bool(since),
        "restartCount": 0,
    }
