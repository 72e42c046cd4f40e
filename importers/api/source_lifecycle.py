"""Conditions of source kinds: SinkProvided, Deployed, OIDCIdentityCreated (Knative's PingSource)."""

from __future__ import annotations

from typing import Final

from tanebi.api.conditions import Conditions, ConditionSet

SINK_PROVIDED: Final = "SinkProvided"
DEPLOYED: Final = "Deployed"
OIDC_IDENTITY_CREATED: Final = "OIDCIdentityCreated"

SINK_NOT_FOUND: Final = "NotFound"
OIDC_DISABLED: Final = "authentication-oidc feature disabled"
WAITING_FOR_SINK: Final = "WaitingForSink"

SOURCE_CONDITIONS: Final = ConditionSet((SINK_PROVIDED, DEPLOYED, OIDC_IDENTITY_CREATED))


def mark_sink(conditions: Conditions) -> None:
    conditions.mark_true(SINK_PROVIDED)


def mark_no_sink(conditions: Conditions, message: str) -> None:
    conditions.mark_false(SINK_PROVIDED, SINK_NOT_FOUND, message)


def mark_deployed(conditions: Conditions) -> None:
    conditions.mark_true(DEPLOYED)


def mark_waiting_for_sink(conditions: Conditions) -> None:
    conditions.mark_unknown(DEPLOYED, WAITING_FOR_SINK, "the sink is not known yet")


def mark_oidc_disabled(conditions: Conditions) -> None:
    conditions.mark_true(OIDC_IDENTITY_CREATED, OIDC_DISABLED)
