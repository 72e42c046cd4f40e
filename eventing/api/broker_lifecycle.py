"""The conditions of a broker, moved only by these names."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from eventing.api.broker_types import Broker
from tanebi.api.conditions import Conditions, ConditionSet

INGRESS: Final = "IngressReady"
CHANNEL: Final = "TriggerChannelReady"
FILTER: Final = "FilterReady"
ADDRESSABLE: Final = "Addressable"
POLICIES: Final = "EventPoliciesReady"
# As in Knative's default broker, a sink that cannot be resolved is reported but does not make the broker unready.
DEAD_LETTER_SINK: Final = "DeadLetterSinkResolved"

BROKER_CONDITIONS: Final = ConditionSet((INGRESS, CHANNEL, FILTER, ADDRESSABLE, POLICIES))

DEAD_LETTER_SINK_NOT_CONFIGURED: Final = "DeadLetterSinkNotConfigured"
DEAD_LETTER_SINK_UNRESOLVED: Final = "Unable to get the DeadLetterSink's URI"
DEFAULT_AUTHORIZATION: Final = "DefaultAuthorizationMode"


def begin(broker: Broker, now: datetime) -> Conditions:
    return BROKER_CONDITIONS.manage(broker.status.conditions, now=now)


def mark_serving(conditions: Conditions) -> None:
    """Ingress, log and dispatchers are one service here, and it is up when this runs."""
    for name in (INGRESS, CHANNEL, FILTER, ADDRESSABLE):
        conditions.mark_true(name)


def mark_policies(conditions: Conditions, mode: str) -> None:
    conditions.mark_true(POLICIES, DEFAULT_AUTHORIZATION, f'Default authz mode is "{mode}"')


def mark_dead_letter_sink_resolved(conditions: Conditions) -> None:
    conditions.mark_true(DEAD_LETTER_SINK)


def mark_dead_letter_sink_not_configured(conditions: Conditions) -> None:
    conditions.mark_true(
        DEAD_LETTER_SINK, DEAD_LETTER_SINK_NOT_CONFIGURED, "No dead letter sink is configured."
    )


def mark_dead_letter_sink_failed(conditions: Conditions, message: str) -> None:
    conditions.mark_false(DEAD_LETTER_SINK, DEAD_LETTER_SINK_UNRESOLVED, message)
