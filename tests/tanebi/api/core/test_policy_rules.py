"""Quotas, limits, budgets, priorities and autoscalers."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds_cluster import LIMIT_RANGE, PRIORITY_CLASS, RESOURCE_QUOTA
from tanebi.api.core.kinds_workload import AUTOSCALER, BUDGET
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems


def scaler(**spec: Any) -> Obj:
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    return {"spec": {"scaleTargetRef": target, "maxReplicas": 3, **spec}}


def test_quotas_and_limits() -> None:
    assert problems(RESOURCE_QUOTA, {"spec": {"hard": {"pods": "3"}}}) == ""
    assert "hard[pods]" in problems(RESOURCE_QUOTA, {"spec": {"hard": {"pods": "-3"}}})
    assert "hard[pods]" in problems(RESOURCE_QUOTA, {"spec": {"hard": {"pods": "many"}}})
    item = {"type": "Container", "default": {"cpu": "1"}, "min": {"memory": "1Mi"}}
    limits = complete(LIMIT_RANGE, {"spec": {"limits": [item]}})["spec"]["limits"][0]
    assert limits["defaultRequest"] == {"cpu": "1", "memory": "1Mi"}
    said = problems(RESOURCE_QUOTA, {"spec": {"hard": {"pods": "1.5", "requests.cpu": "1.5"}}})
    assert "int64Amount{value:15, scale:-1}" in said
    assert said.count("must be an integer") == 1
    for upside, words in (
        ({"min": {"cpu": "2"}, "max": {"cpu": "1"}}, "min value 2 is greater than max value 1"),
        ({"default": {"m": "2Gi"}, "max": {"m": "1Gi"}}, "default value 2Gi is greater than max"),
        (
            {"defaultRequest": {"m": "200m"}, "default": {"m": "100m"}},
            "default request value 200m is greater than default limit value 100m",
        ),
        ({"min": {"cpu": "many"}, "max": {"cpu": "1"}}, "quantities must match"),
    ):
        item = {"type": "Pod", **upside}
        assert words in problems(LIMIT_RANGE, {"spec": {"limits": [item]}})
    assert "type" in problems(LIMIT_RANGE, {"spec": {"limits": [{}]}})


def test_budgets_and_priorities() -> None:
    assert problems(BUDGET, {"spec": {"minAvailable": 1}}) == ""
    both = {"spec": {"minAvailable": 1, "maxUnavailable": 1}}
    assert "cannot be both set" in problems(BUDGET, both)
    assert problems(PRIORITY_CLASS, {"value": 5}) == ""
    assert "may not be changed" in problems(PRIORITY_CLASS, {"value": 5}, {"value": 6})
    reserved = {"metadata": {"name": "system-x"}, "value": 5}
    assert "reserved" in problems(PRIORITY_CLASS, reserved)


def test_autoscalers() -> None:
    assert problems(AUTOSCALER, scaler()) == ""
    assert "maxReplicas" in problems(AUTOSCALER, scaler(maxReplicas=0))
    assert "`minReplicas`" in problems(AUTOSCALER, scaler(minReplicas=4))
    assert "minReplicas" in problems(AUTOSCALER, scaler(minReplicas=0))
    assert "scaleTargetRef" in problems(AUTOSCALER, scaler(scaleTargetRef={}))
    shown = cells(AUTOSCALER, complete(AUTOSCALER, scaler()))
    assert (shown["Reference"], shown["Targets"]) == ("Deployment/web", "cpu: <unknown>/80%")
    other = {"resource": {"name": "memory", "target": {"averageValue": "1Gi"}}}
    assert cells(AUTOSCALER, scaler(metrics=[other]))["Targets"] == "<unknown>/1Gi"


def test_columns() -> None:
    status = {"hard": {"pods": "3", "limits.cpu": "2"}, "used": {"pods": "1"}}
    shown = cells(RESOURCE_QUOTA, {"status": status})
    assert (shown["Request"], shown["Limit"]) == ("pods: 1/3", "limits.cpu: 0/2")
    assert cells(BUDGET, {})["Min Available"] == "N/A"
    assert cells(PRIORITY_CLASS, {"value": 3})["Global-Default"] is False
