"""What a Deployment's status says: counts, and the conditions Available and Progressing in Kubernetes' words.

Pure. `Progressing` turns False with ProgressDeadlineExceeded when nothing has moved for progressDeadlineSeconds before the
newest template was fully there once; after that it does not turn back (deployment_util.go, progress.go).

Caller: tanebi.kubelet.deployments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tanebi.api.core.apps import ReplicaSet
from tanebi.api.core.pod import Pod
from tanebi.api.core.workload import Deployment, DeploymentCondition
from tanebi.api.meta import Obj, parse_time, rfc3339
from tanebi.kubelet.podsets import TEMPLATE_HASH, available_in_s, is_living

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
MINIMUM: Final = "MinimumReplicasAvailable"
BELOW_MINIMUM: Final = "MinimumReplicasUnavailable"
COMPLETE: Final = "NewReplicaSetAvailable"
MOVING: Final = "ReplicaSetUpdated"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
FAILURE: Final = "ReplicaFailure"
FAILED_CREATE: Final = "FailedCreate"
PAUSED: Final = "DeploymentPaused"
RESUMED: Final = "DeploymentResumed"
DEADLINE_S: Final = 600


def make_status(
    deployment: Deployment,
    pods: Sequence[Pod],
    current: ReplicaSet | None,
    now: datetime,
    *,
    failure: str = "",
) -> Obj:
    """`current` is the ReplicaSet of the newest template, if it is there; `failure` why pods cannot be created."""
    new_hash = current.metadata.labels.get(TEMPLATE_HASH) if current is not None else None
    living = [pod for pod in pods if is_living(pod)]
    wanted = _wanted(deployment)
    ready = [pod for pod in living if pod.status.is_ready]
    available = [
        pod for pod in ready if available_in_s(deployment.spec.min_ready_seconds, pod, now) <= 0
    ]
    counts = {
        "replicas": len(living),
        "updatedReplicas": sum(
            1 for pod in living if pod.metadata.labels.get(TEMPLATE_HASH) == new_hash
        ),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
        "unavailableReplicas": max(wanted - len(available), 0),
        "terminatingReplicas": sum(1 for pod in pods if pod.deleting),
    }
    status: Obj = {
        "observedGeneration": deployment.metadata.generation,
        **{name: count for name, count in counts.items() if count},
    }
    status["conditions"] = [
        _available_condition(deployment, len(available), now),
        _progress_condition(deployment, counts, _subject(deployment, current), now),
    ]
    if failure:
        old = deployment.status.condition(FAILURE)
        status["conditions"].append(_condition(old, FAILURE, "True", FAILED_CREATE, failure, now))
    return status


def _subject(deployment: Deployment, current: ReplicaSet | None) -> str:
    if current is not None:
        return f'ReplicaSet "{current.metadata.name}"'
    return f'Deployment "{deployment.metadata.name}"'


def next_look_s(deployment: Deployment, pods: Sequence[Pod], now: datetime) -> float | None:
    """When time alone may change the status: a pod becomes available, or the deadline passes."""
    waits = [
        available_in_s(deployment.spec.min_ready_seconds, pod, now)
        for pod in pods
        if pod.status.is_ready
    ]
    progress = deployment.status.condition(PROGRESSING)
    if not deployment.spec.paused and (progress is None or progress.reason != COMPLETE):
        since = _time(progress.last_update_time if progress else None, now)
        waits.append(_deadline_s(deployment) - (now - since).total_seconds())
    return min((wait for wait in waits if wait > 0), default=None)


def _available_condition(deployment: Deployment, available: int, now: datetime) -> Obj:
    enough = available >= minimum_available(deployment)
    old = deployment.status.condition(AVAILABLE)
    return _condition(
        old,
        AVAILABLE,
        "True" if enough else "False",
        MINIMUM if enough else BELOW_MINIMUM,
        f"Deployment {'has' if enough else 'does not have'} minimum availability.",
        now,
    )


def minimum_available(deployment: Deployment) -> int:
    """replicas - maxUnavailable, as kube-controller-manager rounds it."""
    wanted = _wanted(deployment)
    rolling = deployment.spec.strategy.rolling_update
    if deployment.spec.strategy.type == "Recreate" or rolling is None:
        return wanted
    bound = rolling.max_unavailable
    if isinstance(bound, str):
        bound = int(bound.rstrip("%")) * wanted // 100
    return max(wanted - (bound or 0), 0)


def _progress_condition(
    deployment: Deployment, counts: dict[str, int], name: str, now: datetime
) -> Obj:
    """`name` is what the message speaks of."""
    old = deployment.status.condition(PROGRESSING)
    if deployment.spec.paused:
        return _condition(old, PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
    if old is not None and old.reason == PAUSED:
        found = _condition(old, PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
        return found | {"lastUpdateTime": rfc3339(now)}
    wanted = _wanted(deployment)
    new_template = deployment.metadata.generation != deployment.status.observed_generation
    complete = (
        counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted
    )
    was_complete = (
        old is not None
        and old.reason == COMPLETE
        and counts["updatedReplicas"] == counts["replicas"]
    )
    if complete or was_complete:
        return _condition(
            old, PROGRESSING, "True", COMPLETE, f"{name} has successfully progressed.", now
        )
    if old is None or _moved(deployment, counts) or new_template:
        found = _condition(old, PROGRESSING, "True", MOVING, f"{name} is progressing.", now)
        return found | {"lastUpdateTime": rfc3339(now)}
    waited_s = (now - _time(old.last_update_time, now)).total_seconds()
    if old.reason == TIMED_OUT or waited_s >= _deadline_s(deployment):
        return _condition(
            old, PROGRESSING, "False", TIMED_OUT, f"{name} has timed out progressing.", now
        )
    return _condition(old, PROGRESSING, "True", MOVING, f"{name} is progressing.", now)


def _moved(deployment: Deployment, counts: dict[str, int]) -> bool:
    """More new pods, more ready ones, more available ones, or fewer old ones than last time."""
    before = deployment.status
    old_before = before.replicas - before.updated_replicas
    return (
        counts["updatedReplicas"] > before.updated_replicas
        or counts["readyReplicas"] > before.ready_replicas
        or counts["availableReplicas"] > before.available_replicas
        or counts["replicas"] - counts["updatedReplicas"] < old_before
    )


def _condition(
    old: DeploymentCondition | None,
    type_: str,
    status: str,
    reason: str,
    message: str,
    now: datetime,
) -> Obj:
    stamp = rfc3339(now)
    same = old is not None and (old.status, old.reason) == (status, reason)
    turned = old is None or old.status != status
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": (old.last_update_time or stamp) if old and same else stamp,
        "lastTransitionTime": stamp if turned or old is None else old.last_transition_time or stamp,
    }


def _wanted(deployment: Deployment) -> int:
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas


def _deadline_s(deployment: Deployment) -> float:
    return float(deployment.spec.progress_deadline_seconds or DEADLINE_S)


def _time(text: str | None, now: datetime) -> datetime:
    return parse_time(text) if text else now
