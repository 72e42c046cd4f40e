"""Deployment: defaults, rules, columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.api.core.workload import Lease
from tanebi.api.core.workload_rules import (
    DEPLOYMENT_COLUMNS,
    default_deployment,
    validate_deployment,
    validate_lease,
)
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj

NOBODY: Any = None
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATE = Admission("CREATE", "somebody", NOW, NOBODY)


def made(**spec: Any) -> Obj:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    whole = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return default_deployment({"metadata": {"name": "web"}, "spec": whole}, None, CREATE)


def told(obj: Obj, old: Obj | None = None) -> str:
    before = DEPLOYMENT.view(old) if old else None
    return render(validate_deployment(DEPLOYMENT.view(obj), before, CREATE))


def test_defaults() -> None:
    spec = made()["spec"]
    assert {k: spec[k] for k in spec if k not in ("selector", "template")} == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        },
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert made(replicas=0)["spec"]["replicas"] == 0
    recreate = made(strategy={"type": "Recreate"})["spec"]["strategy"]
    assert recreate == {"type": "Recreate"}
    zero = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}
    assert made(strategy=zero)["spec"]["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 0,
        "maxSurge": "25%",
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, ""),
        ({"replicas": -1}, "Invalid value: -1: must be greater than or equal to 0: spec.replicas"),
        ({"minReadySeconds": 600}, "must be greater than minReadySeconds"),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            "`selector` does not match template `labels`: spec.template.metadata.labels",
        ),
        ({"selector": {}}, "empty selector is invalid for deployment: spec.selector"),
        ({"progressDeadlineSeconds": 0}, "must be greater than minReadySeconds"),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
            "'Like' is not a valid label selector operator",
        ),
        ({"strategy": {"type": "Blue"}}, 'Unsupported value: apps.DeploymentStrategy{Type:"Blue"'),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "may not be 0 when `maxSurge` is 0",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "many"}}},
            "a valid percent string",
        ),
        ({"strategy": {"rollingUpdate": {"maxSurge": -1}}}, "spec.strategy.rollingUpdate.maxSurge"),
        (
            {
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [], "restartPolicy": "Never"},
                }
            },
            "Required value: spec.template.spec.containers\n"
            'Unsupported value: "Never": supported values: "Always": spec.template.spec.restartPolicy',
        ),
    ],
)
def test_rules(spec: Obj, words: str) -> None:
    found = told(made(**spec))
    assert words in found
    assert bool(words) == bool(found)


def test_the_selector_cannot_change() -> None:
    other = made(
        selector={"matchLabels": {"app": "web", "x": "y"}},
        template={
            "metadata": {"labels": {"app": "web", "x": "y"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    )
    assert "field is immutable: spec.selector" in told(other, made())


def test_the_row() -> None:
    obj = made(replicas=3) | {"status": {"readyReplicas": 2, "updatedReplicas": 3}}
    shown = {c.name: c.cell(obj, NOW) for c in DEPLOYMENT_COLUMNS if c.cell is not None}
    assert shown == {
        "Ready": "2/3",
        "Up-to-date": 3,
        "Available": 0,
        "Containers": "c",
        "Images": "i",
        "Selector": "app=web",
    }


def test_leases() -> None:
    lease = Lease.model_validate({"spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}})
    found = validate_lease(lease, None, CREATE)
    assert [e.paths[0] for e in found] == ["spec.leaseDurationSeconds", "spec.leaseTransitions"]
