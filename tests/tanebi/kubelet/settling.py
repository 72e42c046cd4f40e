"""Pods that become ready, end or fail in a planning world."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj, rfc3339
from tanebi.kube.plan import Reconciler
from tanebi.testing.planning import PlanningWorld

TEMPLATE: Obj = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def ready(now: datetime) -> Obj:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(now)}
    return {"phase": "Running", "podIP": "10.0.0.1", "conditions": [condition]}


def ended(now: datetime, code: int = 0) -> Obj:
    state = {"terminated": {"exitCode": code, "finishedAt": rfc3339(now)}}
    return {
        "phase": "Failed" if code else "Succeeded",
        "podIP": "10.0.0.1",
        "containerStatuses": [{"name": "c", "state": state}],
    }


def pods(world: PlanningWorld) -> dict[str, Pod]:
    return {pod.metadata.name: pod for pod in world.list(POD, "ns")}


def make_ready(world: PlanningWorld, names: Iterable[str] | None = None) -> None:
    for name in names if names is not None else pods(world):
        world.set_status(POD, "ns", name, ready(world.now))


def settle(world: PlanningWorld, reconciler: Reconciler[Any], name: str = "web") -> None:
    """Run until nothing is written, with every pod ready at once."""
    for _ in range(30):
        before = world.writes
        world.reconcile(reconciler, "ns", name)
        make_ready(world, [n for n, pod in pods(world).items() if not pod.status.is_ready])
        if world.writes == before:
            return
    raise AssertionError("never settles")
