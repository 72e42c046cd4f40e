"""The conditions of a PodAutoscaler, each moved by a named function (reference/knative-serving.md §1.9, §3.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from autoscaler.api.limits import DOMAIN, KPA
from autoscaler.api.podautoscaler_types import PodAutoscalerStatus
from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import parse_time

CLASS: Final = f"{DOMAIN}/class"
ACTIVE: Final = "Active"
SCALE_TARGET_INITIALIZED: Final = "ScaleTargetInitialized"
SKS_READY: Final = "SKSReady"
CONDITIONS: Final = ConditionSet((ACTIVE, SCALE_TARGET_INITIALIZED, SKS_READY))

NO_TRAFFIC: Final = "NoTraffic"
TIMED_OUT: Final = "TimedOut"
QUEUED: Final = "Queued"
NOT_READY: Final = "NotReady"
NOT_OWNED: Final = "NotOwned"
UNSUPPORTED_CLASS: Final = "UnsupportedClass"
NO_TRAFFIC_MESSAGE: Final = "The target is not receiving traffic."
TIMED_OUT_MESSAGE: Final = "The target could not be activated."
QUEUED_MESSAGE: Final = "Requests to the target are being buffered as resources are provisioned."


def mark_active(conditions: Conditions) -> None:
    conditions.mark_true(ACTIVE)


def mark_activating(conditions: Conditions) -> None:
    conditions.mark_unknown(ACTIVE, QUEUED, QUEUED_MESSAGE)


def mark_inactive(conditions: Conditions) -> None:
    conditions.mark_false(ACTIVE, NO_TRAFFIC, NO_TRAFFIC_MESSAGE)


def mark_timed_out(conditions: Conditions) -> None:
    conditions.mark_false(ACTIVE, TIMED_OUT, TIMED_OUT_MESSAGE)


def mark_scale_target_initialized(conditions: Conditions) -> None:
    conditions.mark_true(SCALE_TARGET_INITIALIZED)


def mark_sks_ready(conditions: Conditions) -> None:
    conditions.mark_true(SKS_READY)


def mark_sks_not_ready(conditions: Conditions, message: str) -> None:
    conditions.mark_unknown(SKS_READY, NOT_READY, message)


def mark_not_owned(conditions: Conditions, kind: str, name: str) -> None:
    """A child's name is taken by somebody else's object."""
    conditions.mark_false(
        SKS_READY, NOT_OWNED, f'There is an existing {kind} "{name}" that we do not own.'
    )


def mark_unsupported(conditions: Conditions, class_: str) -> str:
    """Nobody here scales for this class. Returns the message."""
    text = (
        f"No autoscaler here drives class {class_}: leave the annotation {CLASS} out, or set {KPA}."
    )
    conditions.mark_false(SCALE_TARGET_INITIALIZED, UNSUPPORTED_CLASS, text)
    conditions.mark_false(ACTIVE, UNSUPPORTED_CLASS, text)
    return text


def phase_age_s(status: PodAutoscalerStatus, now: datetime) -> float:
    """Seconds since Active last changed; 0 while it was never set."""
    active = status.condition(ACTIVE)
    if active is None or not active.last_transition_time:
        return 0.0
    return max(0.0, (now - parse_time(active.last_transition_time)).total_seconds())
