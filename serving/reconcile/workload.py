"""What a revision's Deployment, pods and autoscaler say about it, as marks on its conditions. Pure; used by revision.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from autoscaler.api.podautoscaler_lifecycle import UNSUPPORTED_CLASS
from autoscaler.api.podautoscaler_types import PodAutoscaler
from serving.api import revision_lifecycle as mark
from serving.api.revision_types import Revision
from tanebi.api.conditions import READY, Conditions
from tanebi.api.core.pod import ContainerStatus, Pod
from tanebi.api.core.workload import Deployment

_ON_THE_WAY: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Waiting reasons of a start that goes well."""


def judge_deployment(conditions: Conditions, deployment: Deployment) -> None:
    """Progressing and ReplicaFailure become ResourcesAvailable."""
    status = deployment.status
    failure = status.condition("ReplicaFailure")
    progress = status.condition("Progressing")
    if failure is not None and failure.status == "True":
        mark.mark_resources_unavailable(conditions, failure.reason, failure.message)
    elif progress is None:
        mark.mark_resources_deploying(conditions)
    elif progress.status == "False":
        mark.mark_resources_unavailable(conditions, progress.reason, progress.message)
    elif progress.status == "Unknown":
        mark.mark_resources_unknown(conditions, progress.reason, progress.message)
    else:
        mark.mark_resources_available(conditions)


def judge_pods(
    conditions: Conditions, revision: Revision, pods: Iterable[Pod], *, always_schedulable: bool
) -> None:
    """When pods are wanted and none is available: why? The first pod that says something speaks for all."""
    ours = [c.name for c in (*revision.spec.containers, *revision.spec.init_containers)]
    for pod in pods:
        if pod.deleting:
            continue
        scheduled = pod.status.condition("PodScheduled")
        if scheduled is not None and scheduled.status == "False" and not always_schedulable:
            mark.mark_resources_unavailable(conditions, scheduled.reason, scheduled.message)
            return
        if any(_judge_container(conditions, status) for status in _of_users(pod, ours)):
            return


def _of_users(pod: Pod, names: Sequence[str]) -> Iterator[ContainerStatus]:
    for status in (*pod.status.container_statuses, *pod.status.init_container_statuses):
        if status.name in names:
            yield status


def _judge_container(conditions: Conditions, status: ContainerStatus) -> bool:
    """True when it says that the revision cannot run."""
    ended = status.state.terminated or status.last_state.terminated
    if ended is not None and not status.ready and status.state.running is None:
        mark.mark_container_exited(conditions, ended.exit_code, ended.message)
        return True
    waiting = status.state.waiting
    if waiting is not None and waiting.reason not in _ON_THE_WAY:
        mark.mark_container_waiting(conditions, waiting.reason, waiting.message)
        return True
    return False


def judge_autoscaler(conditions: Conditions, autoscaler: PodAutoscaler | None) -> None:
    """Active mirrors it; a scale target that was up once means that the revision can run."""
    unavailable = "False" in (
        conditions.status(mark.RESOURCES_AVAILABLE),
        conditions.status(mark.CONTAINER_HEALTHY),
    )
    ready = autoscaler.status.condition(READY) if autoscaler else None
    mark.mirror_active(conditions, ready)
    if autoscaler is None or ready is None:
        if not unavailable:
            mark.mark_resources_deploying(conditions)
        return
    status = autoscaler.status
    if status.initialized and not unavailable:
        mark.mark_resources_available(conditions)
        mark.mark_container_healthy(conditions)
    if conditions.status(mark.RESOURCES_AVAILABLE) == "True" and (
        not status.service_name or not status.initialized
    ):
        mark.mark_resources_deploying(conditions)
    if ready.reason == UNSUPPORTED_CLASS and ready.status == "False":
        mark.mark_resources_unavailable(conditions, ready.reason, ready.message)
    missed = ready.status == "False" and ready.reason == mark.TIMED_OUT
    if missed and not status.initialized and not unavailable and status.service_name:
        mark.mark_initial_scale_missed(conditions)
