"""The conditions of a ServerlessService (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from autoscaler.api.serverlessservice_types import ServerlessServiceStatus
from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import parse_time

ENDPOINTS_POPULATED: Final = "EndpointsPopulated"
ACTIVATOR_ENDPOINTS_POPULATED: Final = "ActivatorEndpointsPopulated"
CONDITIONS: Final = ConditionSet((ENDPOINTS_POPULATED,))

NO_HEALTHY_BACKENDS: Final = "NoHealthyBackends"
UPDATING_PRIVATE_SERVICE: Final = "UpdatingPrivateService"
NOT_OWNED: Final = "NotOwned"
ACTIVATOR_REMOVED: Final = "ActivatorEndpointsRemoved"
NOT_READY_MESSAGE: Final = "K8s Service is not ready"
ACTIVATOR_REMOVED_MESSAGE: Final = "Requests may pass by the activator."


def mark_endpoints_ready(conditions: Conditions) -> None:
    conditions.mark_true(ENDPOINTS_POPULATED)


def mark_endpoints_not_ready(conditions: Conditions, reason: str) -> None:
    conditions.mark_unknown(ENDPOINTS_POPULATED, reason, NOT_READY_MESSAGE)


def mark_endpoints_not_owned(conditions: Conditions, kind: str, name: str) -> None:
    conditions.mark_false(
        ENDPOINTS_POPULATED, NOT_OWNED, f"Resource {name} of type {kind} is not owned by SKS"
    )


def mark_activator_endpoints_populated(conditions: Conditions) -> None:
    conditions.mark_true(ACTIVATOR_ENDPOINTS_POPULATED)


def mark_activator_endpoints_removed(conditions: Conditions) -> None:
    conditions.mark_false(
        ACTIVATOR_ENDPOINTS_POPULATED, ACTIVATOR_REMOVED, ACTIVATOR_REMOVED_MESSAGE
    )


def proxied_for_s(status: ServerlessServiceStatus, now: datetime) -> float:
    """Seconds for which the activator has been in the path; 0 when it is not."""
    found = status.condition(ACTIVATOR_ENDPOINTS_POPULATED)
    if found is None or found.status != "True" or not found.last_transition_time:
        return 0.0
    return max(0.0, (now - parse_time(found.last_transition_time)).total_seconds())
