"""DaemonSets on one node: one pod, or none when the node does not suit it.

Pure. Pods tolerate what Kubernetes' own tolerate: a cordoned node keeps its DaemonSets. An update deletes the old pod and makes
the new one when it is gone; `OnDelete` leaves that to the user. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.api.core.apps import DaemonSet
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import CONTROLLER_REVISION, DAEMON_SET
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.api.selectors import from_object
from tanebi.kube.plan import Note, Plan, Reads, Seen
from tanebi.kubelet.podsets import (
    available,
    available_in_s,
    drop,
    is_done,
    is_living,
    make_pod,
    new_names,
    owned_pods,
)
from tanebi.kubelet.revisions import HASH_LABEL, forgotten, history_of, short
from tanebi.kubelet.scheduling import place

TOLERATED: Final = tuple(
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
    for name, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
)


@dataclass(frozen=True, slots=True)
class DaemonSetReconciler:
    """`node` is the name of the one machine there is."""

    node: str

    @property
    def kind(self) -> Kind[DaemonSet]:
        return DAEMON_SET

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (POD, CONTROLLER_REVISION)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(NODE, lambda node, seen: self._all(node, seen)),)

    def desired(self, found: DaemonSet, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = found.metadata
        raw = seen.raw(DAEMON_SET, meta.namespace, meta.name)
        assert raw is not None, "the engine asks about what it has read"
        template = raw["spec"]["template"]
        history = history_of(found, template, seen)
        chosen = from_object(found.spec.selector.model_dump(by_alias=True))
        pods = owned_pods((meta.uid,), seen.list(POD, meta.namespace, chosen))
        spec = _tolerant(template)
        suits = bool(place(seen, self.node, {"spec": {**template["spec"], **spec}}))
        victims = _victims(found, pods, history.current, suits=suits)
        children: list[Obj] = list(history.create)
        if suits and not _is_there(pods):
            taken = {pod.metadata.name for pod in pods}
            (name,) = new_names(found, meta.name, 1, taken)
            labels = {
                HASH_LABEL: short(history.current),
                "pod-template-generation": str(meta.generation),
            }
            children.append(
                make_pod(found, template, name, node=self.node, labels=labels, spec=spec)
            )
        waits = [available_in_s(found.spec.min_ready_seconds, pod, now) for pod in pods]
        made = [c["metadata"]["name"] for c in children if c["kind"] == POD.kind]
        limit = found.spec.revision_history_limit
        return Plan(
            children=tuple(children),
            drops=(*map(drop, victims), *forgotten(history, limit, {history.current})),
            patches=history.patches,
            events=tuple(Note("Normal", "SuccessfulCreate", f"Created pod: {n}") for n in made),
            status=_status(found, pods, history.current, now, suits=suits),
            requeue_after_s=min((wait for wait in waits if wait > 0), default=None),
            prune=False,
        )

    def _all(self, node: Obj, seen: Seen) -> Sequence[Key]:
        """A node that changed concerns every DaemonSet, its heartbeat aside."""
        if key_of(node).name != self.node:
            return ()
        return [found.key for found in seen.list(DAEMON_SET, None)]


def _is_there(pods: Sequence[Pod]) -> bool:
    """A pod that runs, or one that ends and must be gone before the next."""
    return any(is_living(pod) or pod.deleting for pod in pods)


def _victims(found: DaemonSet, pods: Sequence[Pod], current: str, *, suits: bool) -> Sequence[Pod]:
    there = [pod for pod in pods if not pod.deleting]
    if not suits:
        return there
    dead = [pod for pod in there if is_done(pod)]
    if found.spec.update_strategy.type == "OnDelete":
        return dead
    living = [pod for pod in there if is_living(pod)]
    new = [pod for pod in living if pod.metadata.labels.get(HASH_LABEL) == short(current)]
    return [*dead, *(pod for pod in living if pod not in new), *new[1:]]


def _tolerant(template: Obj) -> dict[str, Any]:
    return {"tolerations": [*(template["spec"].get("tolerations") or ()), *TOLERATED]}


def _status(
    found: DaemonSet, pods: Sequence[Pod], current: str, now: datetime, *, suits: bool
) -> Obj:
    living = [pod for pod in pods if is_living(pod)]
    desired = 1 if suits else 0
    is_available = available(found.spec.min_ready_seconds, now)
    serving = sum(map(is_available, living))
    updated = sum(pod.metadata.labels.get(HASH_LABEL) == short(current) for pod in living)
    status = {
        "observedGeneration": found.metadata.generation,
        "desiredNumberScheduled": desired,
        "currentNumberScheduled": min(len(living), desired),
        "numberMisscheduled": 0 if suits else len(living),
        "numberReady": sum(pod.status.is_ready for pod in living),
        "updatedNumberScheduled": updated,
        "numberAvailable": serving,
    }
    if desired > serving:
        status["numberUnavailable"] = desired - serving
    return status
