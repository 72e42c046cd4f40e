"""Whose way an uncontrolled object is in."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import ROUTE
from serving.reconcile.strangers import prefixed, same_name, suffixed
from tanebi.api.core.kinds import SERVICE
from tanebi.testing.planning import PlanningWorld


@pytest.mark.parametrize(
    ("reads", "name", "found"),
    [
        (same_name(ROUTE, SERVICE), "my-route", ["my-route"]),
        (same_name(ROUTE, SERVICE), "tag-my-route", []),
        (prefixed(ROUTE, SERVICE), "my-route", ["my-route"]),
        (prefixed(ROUTE, SERVICE), "a-tag-my-route", ["my-route"]),
        (prefixed(ROUTE, SERVICE), "other", []),
        (suffixed(ROUTE, SERVICE, "-deployment"), "my-route-deployment", ["my-route"]),
    ],
)
def test_by_name(reads: Any, name: str, found: list[str]) -> None:
    world = PlanningWorld()
    world.put(ROUTE, {"metadata": {"name": "my-route", "namespace": "n"}})
    stranger: Any = {"metadata": {"name": name, "namespace": "n"}}
    assert [key.name for key in reads.keys(stranger, world)] == found
    owner = {"kind": "X", "name": "x", "uid": "u", "controller": True}
    stranger["metadata"]["ownerReferences"] = [owner]
    assert list(reads.keys(stranger, world)) == []
