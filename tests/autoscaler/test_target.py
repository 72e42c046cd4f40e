"""What a revision asks for, from its annotations and the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.api import POD_AUTOSCALER
from autoscaler.api.config_autoscaler import AutoscalerSettings
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.target import (
    Bounds,
    Measure,
    resolve_bounds,
    resolve_measure,
    resolve_retention_s,
    resolve_spec,
    resolve_target,
)

SETTINGS = AutoscalerSettings()


def pa(
    *, limit: int = 0, reachability: str = "", initialized: bool = False, **annotations: str
) -> PodAutoscaler:
    status: dict[str, Any] = {}
    if initialized:
        status = {"conditions": [{"type": "ScaleTargetInitialized", "status": "True"}]}
    return POD_AUTOSCALER.view(
        {
            "metadata": {
                "name": "r",
                "namespace": "n",
                "annotations": {
                    f"autoscaling.knative.dev/{k.replace('_', '-')}": v
                    for k, v in annotations.items()
                },
            },
            "spec": {"containerConcurrency": limit, "reachability": reachability},
            "status": status,
        }
    )


@pytest.mark.parametrize(
    ("resource", "target", "total"),
    [
        (pa(), 70, 100),
        (pa(limit=10), 7, 10),
        (pa(limit=1), 0.7, 1),
        (pa(target="50"), 35, 50),
        (pa(limit=10, target="50"), 7, 10),  # never above what a pod takes
        (pa(limit=10, target="4"), 2.8, 4),
        (pa(limit=10, target_utilization_percentage="100"), 10, 10),
        (pa(target="1", target_utilization_percentage="1"), 0.01, 1),
        (pa(target="0.01"), 0.01, 0.01),  # never below the smallest target
        (pa(metric="rps"), 140, 200),
        (pa(metric="rps", target="50", limit=10), 35, 50),  # the limit is no rate
        (pa(metric="rps", target_utilization_percentage="50"), 100, 200),
        (pa(target="nonsense"), 70, 100),
    ],
)
def test_target(resource: PodAutoscaler, target: float, total: float) -> None:
    assert resolve_target(resource, SETTINGS) == (pytest.approx(target), pytest.approx(total))


def test_spec_of_the_defaults() -> None:
    spec = resolve_spec(pa(), SETTINGS)
    assert (spec.up_rate, spec.down_rate, spec.panic_threshold) == (1000, 2, 2.0)
    assert (spec.stable_window_s, spec.activation, spec.burst) == (60, 1, 211)
    assert (spec.reachable, spec.down_delay_s) == (True, 0)


def test_spec_of_annotations() -> None:
    spec = resolve_spec(
        pa(
            reachability="Unreachable",
            panic_threshold_percentage="150",
            window="30s",
            activation_scale="3",
            target_burst_capacity="-1",
            scale_down_delay="1m",
        ),
        SETTINGS,
    )
    assert (spec.panic_threshold, spec.stable_window_s, spec.activation) == (1.5, 30, 3)
    assert (spec.burst, spec.down_delay_s, spec.reachable) == (-1, 60, False)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (pa(), Measure("concurrency", 60, 10, False)),
        (
            pa(metric="rps", window="10s", panic_window_percentage="50"),
            Measure("rps", 10, 50, False),
        ),
        (
            pa(metric_aggregation_algorithm="weighted-exponential"),
            Measure("concurrency", 60, 10, True),
        ),
    ],
)
def test_measure(resource: PodAutoscaler, expected: Measure) -> None:
    assert resolve_measure(resource, SETTINGS) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (pa(), Bounds(0, 0, 1)),
        (pa(min_scale="2", max_scale="5"), Bounds(2, 5, 1)),
        (pa(min_scale="2", reachability="Unreachable"), Bounds(0, 0, 1)),
        (pa(min_scale="2", reachability="Reachable"), Bounds(2, 0, 1)),
        (pa(initial_scale="4"), Bounds(4, 0, 4)),
        (pa(initial_scale="4", min_scale="6"), Bounds(6, 0, 4)),
        (pa(initial_scale="4", initialized=True), Bounds(0, 0, 4)),
        (pa(initial_scale="4", reachability="Unreachable"), Bounds(0, 0, 4)),
        (pa(initial_scale="0"), Bounds(0, 0, 1)),  # not allowed by the settings
    ],
)
def test_bounds(resource: PodAutoscaler, expected: Bounds) -> None:
    assert resolve_bounds(resource, SETTINGS) == expected


def test_bounds_of_the_settings() -> None:
    settings = replace(SETTINGS, min_scale=1, max_scale=3, allow_zero_initial_scale=True)
    assert resolve_bounds(pa(), settings) == Bounds(1, 3, 1)
    assert resolve_bounds(pa(initial_scale="0", max_scale="0"), settings) == Bounds(1, 0, 0)


@pytest.mark.parametrize(
    ("bounds", "want", "expected"),
    [
        (Bounds(0, 0, 1), 7, 7),
        (Bounds(2, 5, 1), 1, 2),
        (Bounds(2, 5, 1), 3, 3),
        (Bounds(2, 5, 1), 9, 5),
        (Bounds(6, 5, 6), 5, 6),
        (Bounds(0, 0, 1), -1, 0),
    ],
)
def test_clamp(bounds: Bounds, want: int, expected: int) -> None:
    assert bounds.clamp(want) == expected


def test_retention() -> None:
    kept = {"scale_to_zero_pod_retention_period": "42s"}
    assert resolve_retention_s(pa(), SETTINGS) == 0
    assert resolve_retention_s(pa(**kept), SETTINGS) == 42
    assert resolve_retention_s(pa(reachability="Unreachable", **kept), SETTINGS) == 0
    settings = replace(SETTINGS, scale_to_zero_pod_retention_period_s=9.0)
    assert resolve_retention_s(pa(), settings) == 9
