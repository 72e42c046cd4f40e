"""The conditions of a trigger, moved only by these names."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from eventing.api.trigger_types import Trigger
from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import ConditionView

BROKER_READY: Final = "BrokerReady"
SUBSCRIBED: Final = "SubscriptionReady"
DEPENDENCY_READY: Final = "DependencyReady"
SUBSCRIBER: Final = "SubscriberResolved"
DEAD_LETTER_SINK: Final = "DeadLetterSinkResolved"
IDENTITY: Final = "OIDCIdentityCreated"

TRIGGER_CONDITIONS: Final = ConditionSet(
    (BROKER_READY, SUBSCRIBED, DEPENDENCY_READY, SUBSCRIBER, DEAD_LETTER_SINK, IDENTITY)
)

BROKER_DOES_NOT_EXIST: Final = "BrokerDoesNotExist"
BROKER_NOT_CONFIGURED: Final = "BrokerNotConfigured"
SUBSCRIPTION_NOT_CONFIGURED: Final = "SubscriptionNotConfigured"
SUBSCRIBER_UNRESOLVED: Final = "Unable to get the Subscriber's URI"
DEAD_LETTER_SINK_UNRESOLVED: Final = "Unable to get the dead letter sink's URI"
DEAD_LETTER_SINK_NOT_CONFIGURED: Final = "DeadLetterSinkNotConfigured"
DEPENDENCY_DOES_NOT_EXIST: Final = "DependencyDoesNotExist"
DEPENDENCY_NOT_CONFIGURED: Final = "DependencyNotConfigured"
DEPENDENCY_STALE: Final = "GenerationNotEqual"
IDENTITY_DISABLED: Final = "authentication-oidc feature disabled"


def begin(trigger: Trigger, now: datetime) -> Conditions:
    return TRIGGER_CONDITIONS.manage(trigger.status.conditions, now=now)


def mark_broker_missing(conditions: Conditions, name: str) -> None:
    conditions.mark_false(BROKER_READY, BROKER_DOES_NOT_EXIST, f'Broker "{name}" does not exist')


def propagate_broker(conditions: Conditions, ready: ConditionView | None) -> None:
    """The broker's Ready is our BrokerReady."""
    _propagate(
        conditions,
        BROKER_READY,
        ready,
        BROKER_NOT_CONFIGURED,
        "Broker has not yet been reconciled.",
    )


def mark_subscribed(conditions: Conditions) -> None:
    conditions.mark_true(SUBSCRIBED)


def mark_not_subscribed(conditions: Conditions) -> None:
    conditions.mark_unknown(
        SUBSCRIBED, SUBSCRIPTION_NOT_CONFIGURED, "Subscription has not yet been reconciled."
    )


def mark_subscriber_resolved(conditions: Conditions) -> None:
    conditions.mark_true(SUBSCRIBER)


def mark_subscriber_failed(conditions: Conditions, message: str) -> None:
    conditions.mark_false(SUBSCRIBER, SUBSCRIBER_UNRESOLVED, message)


def mark_dead_letter_sink_resolved(conditions: Conditions) -> None:
    conditions.mark_true(DEAD_LETTER_SINK)


def mark_dead_letter_sink_not_configured(conditions: Conditions) -> None:
    conditions.mark_true(
        DEAD_LETTER_SINK, DEAD_LETTER_SINK_NOT_CONFIGURED, "No dead letter sink is configured."
    )


def mark_dead_letter_sink_failed(conditions: Conditions, message: str) -> None:
    conditions.mark_false(DEAD_LETTER_SINK, DEAD_LETTER_SINK_UNRESOLVED, message)


def mark_dependency_ready(conditions: Conditions) -> None:
    conditions.mark_true(DEPENDENCY_READY)


def mark_dependency_missing(conditions: Conditions, message: str) -> None:
    conditions.mark_false(DEPENDENCY_READY, DEPENDENCY_DOES_NOT_EXIST, message)


def mark_dependency_stale(conditions: Conditions, generation: int, observed: int) -> None:
    """Its status speaks of an earlier spec."""
    message = f"The dependency's generation, {generation}, is not equal to its observedGeneration, {observed}"
    conditions.mark_unknown(DEPENDENCY_READY, DEPENDENCY_STALE, message)


def propagate_dependency(conditions: Conditions, ready: ConditionView | None) -> None:
    _propagate(
        conditions,
        DEPENDENCY_READY,
        ready,
        DEPENDENCY_NOT_CONFIGURED,
        "Dependency has not yet been reconciled.",
    )


def mark_identity_disabled(conditions: Conditions) -> None:
    conditions.mark_true(IDENTITY, IDENTITY_DISABLED)


def _propagate(
    conditions: Conditions, type_: str, ready: ConditionView | None, reason: str, message: str
) -> None:
    """`reason` and `message` for a condition that is not there yet."""
    if ready is None:
        conditions.mark_unknown(type_, reason, message)
    elif ready.status == "True":
        conditions.mark_true(type_)
    elif ready.status == "False":
        conditions.mark_false(type_, ready.reason, ready.message)
    else:
        conditions.mark_unknown(type_, ready.reason, ready.message)
