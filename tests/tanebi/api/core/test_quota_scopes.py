from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD, SECRET
from tanebi.api.core.quota_scopes import covers

LIMITED = {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]}
ANYWHERE = {"topologyKey": "x", "namespaceSelector": {}}


def chosen(operator: str, *values: str) -> dict[str, Any]:
    one = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
    return {"scopeSelector": {"matchExpressions": [one]}}


@pytest.mark.parametrize(
    ("quota", "spec", "counted"),
    [
        ({}, {}, True),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["NotTerminating"]}, {}, True),
        ({"scopes": ["BestEffort"]}, {"containers": [{"name": "a"}]}, True),
        ({"scopes": ["BestEffort"]}, LIMITED, False),
        ({"scopes": ["NotBestEffort", "NotTerminating"]}, LIMITED, True),
        (chosen("In", "high"), {"priorityClassName": "high"}, True),
        (chosen("NotIn", "high"), {"priorityClassName": "high"}, False),
        (chosen("Exists"), {}, False),
        (chosen("DoesNotExist"), {}, True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {}, False),
        (
            {"scopes": ["CrossNamespacePodAffinity"]},
            {
                "affinity": {
                    "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [ANYWHERE]}
                }
            },
            True,
        ),
        ({"scopes": ["Unheard"]}, {}, False),
    ],
)
def test_scopes(quota: dict[str, Any], spec: dict[str, Any], counted: bool) -> None:
    assert covers(quota, POD, {"spec": spec}) is counted


def test_scopes_are_about_pods_alone() -> None:
    assert covers({}, SECRET, {})
    assert not covers({"scopes": ["NotTerminating"]}, SECRET, {})
