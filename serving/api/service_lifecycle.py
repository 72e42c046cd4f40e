"""The conditions of a Service and the only ways to change them (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from typing import Final

from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import ConditionView

CONFIGURATIONS_READY: Final = "ConfigurationsReady"
ROUTES_READY: Final = "RoutesReady"

LIVING: Final = ConditionSet((CONFIGURATIONS_READY, ROUTES_READY))

OUT_OF_DATE: Final = "OutOfDate"
TRAFFIC_NOT_MIGRATED: Final = "TrafficNotMigrated"
REVISION_NAME_TAKEN: Final = "RevisionNameTaken"
NOT_OWNED: Final = "NotOwned"

_OUT_OF_DATE: Final = "The {} is still working to reflect the latest desired specification."
_NOT_OWNED: Final = 'There is an existing {} "{}" that we do not own.'


def mark_configuration_not_owned(conditions: Conditions, name: str) -> None:
    text = _NOT_OWNED.format("Configuration", name)
    conditions.mark_false(CONFIGURATIONS_READY, NOT_OWNED, text)


def mark_route_not_owned(conditions: Conditions, name: str) -> None:
    conditions.mark_false(ROUTES_READY, NOT_OWNED, _NOT_OWNED.format("Route", name))


def mark_configuration_out_of_date(conditions: Conditions) -> None:
    text = _OUT_OF_DATE.format("Configuration")
    conditions.mark_unknown(CONFIGURATIONS_READY, OUT_OF_DATE, text)


def mark_route_out_of_date(conditions: Conditions) -> None:
    conditions.mark_unknown(ROUTES_READY, OUT_OF_DATE, _OUT_OF_DATE.format("Route"))


def mark_traffic_not_migrated(conditions: Conditions) -> None:
    conditions.mark_unknown(
        ROUTES_READY,
        TRAFFIC_NOT_MIGRATED,
        "Traffic is not yet migrated to the latest revision.",
    )


def mark_revision_name_taken(conditions: Conditions, name: str) -> None:
    text = f'The revision name "{name}" is taken by a conflicting Revision, so traffic will not be migrated'
    conditions.mark_false(ROUTES_READY, REVISION_NAME_TAKEN, text)


def mirror_configuration(conditions: Conditions, ready: ConditionView | None) -> None:
    _mirror(conditions, CONFIGURATIONS_READY, ready)


def mirror_route(conditions: Conditions, ready: ConditionView | None) -> None:
    _mirror(conditions, ROUTES_READY, ready)


def _mirror(conditions: Conditions, type_: str, ready: ConditionView | None) -> None:
    if ready is None:
        return
    if ready.status == "True":
        conditions.mark_true(type_)
    elif ready.status == "False":
        conditions.mark_false(type_, ready.reason, ready.message)
    else:
        conditions.mark_unknown(type_, ready.reason, ready.message)
