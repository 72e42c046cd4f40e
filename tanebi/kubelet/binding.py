"""Pods that nobody has bound: bound to the one node when they fit, told why when they do not.

Makers of pods here bind them when they create them, so only a user's own pods, and those that did not fit, come this way.
Pure. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, rfc3339
from tanebi.kube.plan import Note, Patch, Plan, Reads, Seen
from tanebi.kubelet.podsets import is_done
from tanebi.kubelet.scheduling import is_ours, message, refusals

GATED: Final = "Scheduling is blocked due to non-empty scheduling gates"
NO_NODE: Final = "no nodes available to schedule pods"
RETRY_S: Final = 5.0  # room may have come free with a pod that ended


@dataclass(frozen=True, slots=True)
class BindingReconciler:
    """`node` is the name of the one machine there is."""

    node: str

    @property
    def kind(self) -> Kind[Pod]:
        return POD

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(NODE, _unbound),)

    def desired(self, pod: Pod, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if pod.spec.node_name or pod.deleting or is_done(pod):
            return Plan(prune=False)
        if not is_ours(pod.spec.scheduler_name):
            return Plan(prune=False)
        if pod.spec.scheduling_gates:
            return Plan(status=_told(pod, "SchedulingGated", GATED, now), prune=False)
        node = seen.get(NODE, "", self.node)
        if node is None:
            return Plan(status=_told(pod, "Unschedulable", NO_NODE, now), requeue_after_s=RETRY_S)
        there = [p for p in seen.list(POD, None) if p.spec.node_name and not is_done(p)]
        if reasons := refusals(pod.spec, node, there):
            text = message(reasons)
            return Plan(
                status=_told(pod, "Unschedulable", text, now),
                events=(Note("Warning", "FailedScheduling", text),),
                requeue_after_s=RETRY_S,
                prune=False,
            )
        bind = Patch(POD, *pod.key, {"spec": {"nodeName": self.node}})
        said = f"Successfully assigned {pod.key} to {self.node}"
        return Plan(patches=(bind,), events=(Note("Normal", "Scheduled", said),), prune=False)


def _told(pod: Pod, reason: str, text: str, now: datetime) -> Obj:
    before = pod.status.condition("PodScheduled")
    since = before.last_transition_time if before and before.status == "False" else None
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": reason,
        "message": text,
        "lastTransitionTime": since or rfc3339(now),
    }
    kept = {"qosClass": pod.status.qos_class} if pod.status.qos_class else {}
    return {"phase": "Pending", "conditions": [condition], **kept}


def _unbound(node: Obj, seen: Seen) -> Iterable[Key]:
    return [pod.key for pod in seen.list(POD, None) if not pod.spec.node_name]
