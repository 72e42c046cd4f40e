"""What is told of PodDisruptionBudgets and HorizontalPodAutoscalers: their status.

Pure. Budgets are counted as Kubernetes counts them. Autoscalers are stored and driven by nobody here; they say so.
Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from tanebi.api.core.apps import ReplicaSet, StatefulSet
from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_workload import AUTOSCALER, BUDGET, REPLICA_SET, STATEFUL_SET
from tanebi.api.core.pod import Pod
from tanebi.api.core.policy import HorizontalPodAutoscaler, PodDisruptionBudget
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of, labels_of, parse_time, rfc3339
from tanebi.api.selectors import Selector, from_object
from tanebi.kube.plan import Plan, Reads, Seen
from tanebi.kubelet.podsets import is_done

NOT_DRIVEN: Final = (
    "HorizontalPodAutoscalers are stored but not driven here: scale by hand, "
    "or let a Knative Service scale on requests"
)
TARGETS: Final[dict[str, Kind[Any]]] = {
    kind.kind: kind for kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET)
}
DISRUPTED_S: Final = 120.0  # after which an announced end counts as not coming
NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BudgetReconciler:
    """How many pods may be evicted now."""

    @property
    def kind(self) -> Kind[PodDisruptionBudget]:
        return BUDGET

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(POD, _budgets_of),)

    def desired(
        self, found: PodDisruptionBudget, seen: Seen, configs: Configs, now: datetime
    ) -> Plan:
        pods = [
            pod
            for pod in seen.list(POD, found.metadata.namespace, selector_of(found))
            if not is_done(pod)
        ]
        waiting = _disrupted(found, pods, now)
        again_s = DISRUPTED_S if waiting else None
        return Plan(status=budget_status(found, pods, now, waiting), requeue_after_s=again_s)


def selector_of(found: PodDisruptionBudget) -> Selector:
    chosen = found.spec.selector
    return from_object(chosen.model_dump(by_alias=True) if chosen else {})


def _disrupted(found: PodDisruptionBudget, pods: list[Pod], now: datetime) -> dict[str, str]:
    """Pods whose end was announced and has not begun, as long as that may take."""
    there = {pod.metadata.name for pod in pods if not pod.deleting}
    oldest = now - timedelta(seconds=DISRUPTED_S)
    return {
        name: since
        for name, since in found.status.disrupted_pods.items()
        if name in there and parse_time(since) > oldest
    }


def budget_status(
    found: PodDisruptionBudget, pods: list[Pod], now: datetime, waiting: Mapping[str, str] = NOBODY
) -> Obj:
    """`waiting` are the pods that count as gone already, and since when."""
    expected = len(pods)
    healthy = sum(
        pod.status.is_ready and not pod.deleting and pod.metadata.name not in waiting
        for pod in pods
    )
    spec = found.spec
    if spec.max_unavailable is not None:
        desired = max(expected - _share(spec.max_unavailable, expected), 0)
    else:
        desired = _share(spec.min_available if spec.min_available is not None else 1, expected)
    allowed = max(healthy - desired, 0)
    enough = allowed > 0
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if enough else "False",
        "reason": "SufficientPods" if enough else "InsufficientPods",
        "message": "",
        "observedGeneration": found.metadata.generation,
        "lastTransitionTime": rfc3339(now),
    }
    return {
        "observedGeneration": found.metadata.generation,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "conditions": [_kept(condition, found.status.conditions)],
        **({"disruptedPods": dict(waiting)} if waiting else {}),
    }


def _share(bound: int | str, whole: int) -> int:
    if isinstance(bound, str):
        return math.ceil(int(bound.rstrip("%") or 0) * whole / 100)
    return bound


def _kept(condition: Obj, before: list[dict[str, Any]]) -> Obj:
    """With the time of its last turn."""
    old = next((c for c in before if c.get("type") == condition["type"]), None)
    if old is None or old.get("status") != condition["status"]:
        return condition
    return condition | {"lastTransitionTime": old.get("lastTransitionTime")}


def _budgets_of(pod: Obj, seen: Seen) -> Iterable[Key]:
    labels = labels_of(pod)
    every = seen.list(BUDGET, key_of(pod).namespace)
    return [found.key for found in every if selector_of(found).matches(labels)]


@dataclass(frozen=True, slots=True)
class AutoscalerReconciler:
    """Says that nobody drives it, and what its target has."""

    @property
    def kind(self) -> Kind[HorizontalPodAutoscaler]:
        return AUTOSCALER

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return tuple(Reads(kind, _autoscalers_of) for kind in TARGETS.values())

    def desired(
        self, found: HorizontalPodAutoscaler, seen: Seen, configs: Configs, now: datetime
    ) -> Plan:
        ref = found.spec.scale_target_ref
        kind = TARGETS.get(ref.kind)
        target: Deployment | ReplicaSet | StatefulSet | None = (
            seen.get(kind, found.metadata.namespace, ref.name) if kind else None
        )
        current = target.status.replicas if target is not None else 0
        condition = {
            "type": "ScalingActive",
            "status": "False",
            "reason": "NotDriven",
            "message": NOT_DRIVEN,
            "lastTransitionTime": rfc3339(now),
        }
        before = [c.model_dump(by_alias=True) for c in found.status.conditions]
        return Plan(
            status={
                "currentReplicas": current,
                "desiredReplicas": current,
                "conditions": [_kept(condition, before)],
            }
        )


def _autoscalers_of(target: Obj, seen: Seen) -> Iterable[Key]:
    key, kind = key_of(target), target.get("kind")
    return [
        found.key
        for found in seen.list(AUTOSCALER, key.namespace)
        if (ref := found.spec.scale_target_ref).name == key.name and kind in (None, ref.kind)
    ]
