"""The Metric of a PodAutoscaler: windows, target, readiness."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.api import CONFIG_AUTOSCALER, METRIC, POD_AUTOSCALER
from autoscaler.reconcile.metric import MetricReconciler, make_metric
from tanebi.testing.planning import FixedConfigs, PlanningWorld

S = 10**9


def made(annotations: Any) -> Any:
    meta = {"name": "r", "namespace": "n", "uid": "u", "labels": {"a": "b"}}
    pa = POD_AUTOSCALER.view({"metadata": {**meta, "annotations": annotations}})
    return make_metric(pa, FixedConfigs().get(CONFIG_AUTOSCALER))


@pytest.mark.parametrize(
    ("annotations", "stable", "panic"),
    [
        ({}, 60 * S, 6 * S),
        ({"autoscaling.knative.dev/window": "100s"}, 100 * S, 10 * S),
        ({"autoscaling.knative.dev/window": "6s"}, 6 * S, 1 * S),
        ({"autoscaling.knative.dev/panic-window-percentage": "20"}, 60 * S, 12 * S),
        (
            {
                "autoscaling.knative.dev/window": "25s",
                "autoscaling.knative.dev/panic-window-percentage": "10",
            },
            25 * S,
            3 * S,
        ),
        (
            {
                "autoscaling.knative.dev/window": "6s",
                "autoscaling.knative.dev/panic-window-percentage": "1",
            },
            6 * S,
            1 * S,
        ),
    ],
)
def test_windows(annotations: Any, stable: int, panic: int) -> None:
    spec = made(annotations)["spec"]
    assert (spec["stableWindow"], spec["panicWindow"]) == (stable, panic)
    assert spec["scrapeTarget"] == "r-private"


def test_with_unlimited_burst_nothing_would_be_scraped() -> None:
    found = made({"autoscaling.knative.dev/target-burst-capacity": "-1"})
    assert found["spec"]["scrapeTarget"] == ""
    assert found["metadata"]["labels"] == {"a": "b"}


def test_it_is_ready_from_the_start() -> None:
    world = PlanningWorld()
    world.put(METRIC, made({}))
    world.settle((MetricReconciler(),))
    (ready,) = (world.raw(METRIC, "n", "r") or {})["status"]["conditions"]
    assert (ready["type"], ready["status"]) == ("Ready", "True")
