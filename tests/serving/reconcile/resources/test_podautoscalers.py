"""The PodAutoscaler of a Revision."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.api import POD_AUTOSCALER
from serving.api import REVISION
from serving.reconcile.resources.podautoscalers import make_podautoscaler, reachability
from tanebi.api.core.kinds import DEPLOYMENT


def revision(state: str = "active", status: Any = None, **spec: Any) -> Any:
    labels = {"serving.knative.dev/routingState": state} if state else {}
    annotations = {"autoscaling.knative.dev/min-scale": "1"}
    meta = {"name": "r", "namespace": "n", "uid": "u", "labels": labels, "annotations": annotations}
    containers = [{"name": "c", "ports": [{"name": "h2c"}]}]
    return REVISION.view(
        {"metadata": meta, "spec": {"containers": containers, **spec}, "status": status or {}}
    )


def test_what_it_scales_and_how() -> None:
    made = make_podautoscaler(revision(containerConcurrency=5), None)
    POD_AUTOSCALER.view(made)
    assert made["metadata"]["annotations"] == {"autoscaling.knative.dev/min-scale": "1"}
    assert made["spec"] == {
        "containerConcurrency": 5,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-deployment"},
        "protocolType": "h2c",
        "reachability": "Reachable",
    }


@pytest.mark.parametrize(
    ("state", "reachable"),
    [("active", "Reachable"), ("reserve", "Unreachable"), ("pending", ""), ("", "")],
)
def test_reachability_follows_the_routing_state(state: str, reachable: str) -> None:
    assert reachability(revision(state), None) == reachable


@pytest.mark.parametrize(
    ("wanted", "ready", "healthy", "reachable"),
    [
        (1, 0, "False", "Unreachable"),
        (1, 1, "False", "Reachable"),
        (0, 0, "False", "Reachable"),
        (1, 0, "Unknown", "Reachable"),
    ],
    ids=["all pods fail", "one is ready", "asleep, so try again", "on its way"],
)
def test_a_revision_whose_pods_all_fail_is_unreachable(
    wanted: int, ready: int, healthy: str, reachable: str
) -> None:
    status = {"conditions": [{"type": "ContainerHealthy", "status": healthy}]}
    deployment = DEPLOYMENT.view({"spec": {"replicas": wanted}, "status": {"readyReplicas": ready}})
    assert reachability(revision("active", status), deployment) == reachable
