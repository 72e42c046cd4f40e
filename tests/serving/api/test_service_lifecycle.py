"""Conditions of a Service: every mark."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import service_lifecycle as mark
from tanebi.api.meta import ConditionView

CONFIGURATIONS, ROUTES = "ConfigurationsReady", "RoutesReady"
WORKING = "The {} is still working to reflect the latest desired specification."


@pytest.mark.parametrize(
    ("change", "type_", "said"),
    [
        (
            lambda c: mark.mark_configuration_not_owned(c, "s"),
            CONFIGURATIONS,
            ("False", "NotOwned", 'There is an existing Configuration "s" that we do not own.'),
        ),
        (
            lambda c: mark.mark_route_not_owned(c, "s"),
            ROUTES,
            ("False", "NotOwned", 'There is an existing Route "s" that we do not own.'),
        ),
        (
            mark.mark_configuration_out_of_date,
            CONFIGURATIONS,
            ("Unknown", "OutOfDate", WORKING.format("Configuration")),
        ),
        (mark.mark_route_out_of_date, ROUTES, ("Unknown", "OutOfDate", WORKING.format("Route"))),
        (
            mark.mark_traffic_not_migrated,
            ROUTES,
            (
                "Unknown",
                "TrafficNotMigrated",
                "Traffic is not yet migrated to the latest revision.",
            ),
        ),
        (
            lambda c: mark.mark_revision_name_taken(c, "r"),
            ROUTES,
            (
                "False",
                "RevisionNameTaken",
                'The revision name "r" is taken by a conflicting Revision, so traffic will not be migrated',
            ),
        ),
    ],
)
def test_marks(now: Any, change: Any, type_: str, said: Any) -> None:
    conditions = mark.LIVING.manage([], now=now)
    change(conditions)
    found = conditions.get(type_) or {}
    assert (found["status"], found["reason"], found["message"]) == said


@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
@pytest.mark.parametrize(
    ("mirror", "type_"),
    [(mark.mirror_configuration, CONFIGURATIONS), (mark.mirror_route, ROUTES)],
)
def test_children_are_mirrored(now: Any, mirror: Any, type_: str, status: str) -> None:
    conditions = mark.LIVING.manage([], now=now)
    mirror(conditions, ConditionView(type="Ready", status=status, reason="R", message="m"))
    assert conditions.status(type_) == status
    mirror(conditions, None)
    assert conditions.status(type_) == status
