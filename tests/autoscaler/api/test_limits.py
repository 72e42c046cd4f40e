from __future__ import annotations

from autoscaler.api import limits


def test_the_bounds_are_knatives() -> None:
    assert (limits.WINDOW_MIN_S, limits.WINDOW_MAX_S) == (6, 3600)
    assert limits.TARGET_MIN == 0.01
    assert limits.SCALE_MAX == 2147483647
    assert limits.KPA == "kpa.autoscaling.knative.dev"
    assert limits.HPA == "hpa.autoscaling.knative.dev"
