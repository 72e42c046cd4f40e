"""The conditions of a Revision and the only ways to change them (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from typing import Final

from serving.api.revision_types import Revision
from tanebi.api.conditions import READY, Conditions, ConditionSet
from tanebi.api.meta import ConditionView

RESOURCES_AVAILABLE: Final = "ResourcesAvailable"
CONTAINER_HEALTHY: Final = "ContainerHealthy"
ACTIVE: Final = "Active"
"""Informational: a ready revision may be asleep."""

LIVING: Final = ConditionSet((RESOURCES_AVAILABLE, CONTAINER_HEALTHY))

CONTAINER_MISSING: Final = "ContainerMissing"
RESOLVING_DIGESTS: Final = "ResolvingDigests"
DEPLOYING: Final = "Deploying"
NOT_OWNED: Final = "NotOwned"
PROGRESS_DEADLINE_EXCEEDED: Final = "ProgressDeadlineExceeded"
TIMED_OUT: Final = "TimedOut"

INITIAL_SCALE_MISSED: Final = "Initial scale was never achieved"
CLEAN_EXIT: Final = "container exited with no error"


def is_ready(revision: Revision) -> bool:
    """Ready, and judged in its present generation."""
    status = revision.status
    return status.observed_generation == revision.metadata.generation and status.is_true(READY)


def is_failed(revision: Revision) -> bool:
    status = revision.status
    return status.observed_generation == revision.metadata.generation and status.is_false(READY)


def mark_image_missing(conditions: Conditions, image: str, message: str) -> None:
    text = f'Unable to fetch image "{image}": {message}'
    conditions.mark_false(CONTAINER_HEALTHY, CONTAINER_MISSING, text)


def mark_resolving_digests(conditions: Conditions) -> None:
    conditions.mark_unknown(CONTAINER_HEALTHY, RESOLVING_DIGESTS)
    conditions.mark_unknown(RESOURCES_AVAILABLE, RESOLVING_DIGESTS)


def mark_deploying(conditions: Conditions) -> None:
    conditions.mark_unknown(CONTAINER_HEALTHY, DEPLOYING)
    conditions.mark_unknown(RESOURCES_AVAILABLE, DEPLOYING)


def mark_resources_deploying(conditions: Conditions) -> None:
    conditions.mark_unknown(RESOURCES_AVAILABLE, DEPLOYING)


def mark_container_deploying(conditions: Conditions) -> None:
    conditions.mark_unknown(CONTAINER_HEALTHY, DEPLOYING)


def mark_not_owned(conditions: Conditions, kind: str, name: str) -> None:
    text = f'There is an existing {kind} "{name}" that we do not own.'
    conditions.mark_false(RESOURCES_AVAILABLE, NOT_OWNED, text)


def mark_resources_available(conditions: Conditions) -> None:
    conditions.mark_true(RESOURCES_AVAILABLE)


def mark_resources_unknown(conditions: Conditions, reason: str, message: str) -> None:
    conditions.mark_unknown(RESOURCES_AVAILABLE, reason, message)


def mark_resources_unavailable(conditions: Conditions, reason: str, message: str) -> None:
    conditions.mark_false(RESOURCES_AVAILABLE, reason, message)


def mark_initial_scale_missed(conditions: Conditions) -> None:
    conditions.mark_false(RESOURCES_AVAILABLE, PROGRESS_DEADLINE_EXCEEDED, INITIAL_SCALE_MISSED)


def mark_container_healthy(conditions: Conditions) -> None:
    conditions.mark_true(CONTAINER_HEALTHY)


def mark_container_exited(conditions: Conditions, exit_code: int, message: str) -> None:
    """`message` is the container's termination message."""
    silent = CLEAN_EXIT if exit_code == 0 else f"exit code {exit_code}, without a word"
    text = f"Container failed with: {message or silent}"
    conditions.mark_false(CONTAINER_HEALTHY, f"ExitCode{exit_code}", text)


def mark_container_waiting(conditions: Conditions, reason: str, message: str) -> None:
    """The container cannot start: ImagePullBackOff, CrashLoopBackOff, …"""
    conditions.mark_false(RESOURCES_AVAILABLE, reason, message)


def mirror_active(conditions: Conditions, ready: ConditionView | None) -> None:
    """Active says what the autoscaler's Ready says."""
    if ready is None:
        conditions.mark_unknown(ACTIVE, DEPLOYING)
    elif ready.status == "True":
        conditions.mark_true(ACTIVE)
    elif ready.status == "False":
        conditions.mark_false(ACTIVE, ready.reason, ready.message)
    else:
        conditions.mark_unknown(ACTIVE, ready.reason, ready.message)
