"""What one revision asks of the autoscaler: its annotations and limit, completed from the settings.

Pure. Rules: reference/knative-serving.md §1.7, §3.1–§3.3. Callers: autoscaler.loop, autoscaler.reconcile.podautoscaler.
"""

from __future__ import annotations

from dataclasses import dataclass

import autoscaler.api.annotations as keys
from autoscaler.api.annotations import Annotations, duration_s, integer, number
from autoscaler.api.config_autoscaler import AutoscalerSettings
from autoscaler.api.limits import (
    CONCURRENCY,
    PANIC_THRESHOLD_PERCENT_MIN,
    RPS,
    TARGET_MIN,
    UNLIMITED_BURST,
    WEIGHTED,
    WINDOW_MIN_S,
)
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.decide import Spec


@dataclass(frozen=True, slots=True)
class Measure:
    """What is averaged, and over which windows."""

    metric: str
    stable_s: int
    panic_percent: float
    weighted: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """Pods at least and at most (0: any number), and how many a new revision starts with."""

    least: int
    most: int
    initial: int

    def clamp(self, want: int) -> int:
        """The lower bound wins where both cannot hold, as in Knative."""
        if want < self.least:
            return self.least
        return self.most if self.most and want > self.most else want


def resolve_target(pa: PodAutoscaler, settings: AutoscalerSettings) -> tuple[float, float]:
    """(target, total): what one pod should carry, and what it can."""
    annotations = pa.metadata.annotations
    limit = pa.spec.concurrency_limit
    by_rps = keys.metric(annotations) == RPS
    if by_rps:
        total, share = settings.rps_target_default, settings.rps_target_fraction
    else:
        total = limit or settings.concurrency_target_default
        share = settings.concurrency_target_fraction
    asked = number(annotations, keys.TARGET)
    if asked is not None:
        # A pod never takes more at once than its limit, so aiming higher would leave requests waiting for ever.
        total = min(asked, limit) if limit and not by_rps else asked
    percent = number(annotations, keys.TARGET_UTILIZATION)
    if percent is not None:
        share = percent / 100
    return max(TARGET_MIN, total * share), total


def resolve_spec(pa: PodAutoscaler, settings: AutoscalerSettings) -> Spec:
    annotations = pa.metadata.annotations
    target, total = resolve_target(pa, settings)
    threshold = number(annotations, keys.PANIC_THRESHOLD)
    if threshold is None or threshold < PANIC_THRESHOLD_PERCENT_MIN:
        threshold = settings.panic_threshold_percentage
    delay = duration_s(annotations, keys.SCALE_DOWN_DELAY)
    return Spec(
        target=target,
        total=total,
        up_rate=settings.max_scale_up_rate,
        down_rate=settings.max_scale_down_rate,
        panic_threshold=threshold / 100,
        stable_window_s=stable_window_s(annotations, settings),
        activation=integer(annotations, keys.ACTIVATION_SCALE) or 1,
        burst=resolve_burst(annotations, settings),
        reachable=pa.spec.reachable,
        down_delay_s=settings.scale_down_delay_s if delay is None else delay,
    )


def resolve_burst(annotations: Annotations, settings: AutoscalerSettings) -> float:
    """The target burst capacity: 0, more, or UNLIMITED_BURST."""
    asked = number(annotations, keys.TARGET_BURST_CAPACITY)
    if asked is None or (asked < 0 and asked != UNLIMITED_BURST):
        return settings.target_burst_capacity
    return asked


def stable_window_s(annotations: Annotations, settings: AutoscalerSettings) -> float:
    asked = duration_s(annotations, keys.WINDOW)
    return settings.stable_window_s if asked is None or asked < WINDOW_MIN_S else asked


def resolve_measure(pa: PodAutoscaler, settings: AutoscalerSettings) -> Measure:
    annotations = pa.metadata.annotations
    percent = number(annotations, keys.PANIC_WINDOW)
    return Measure(
        metric=RPS if keys.metric(annotations) == RPS else CONCURRENCY,
        stable_s=int(stable_window_s(annotations, settings)),
        panic_percent=settings.panic_window_percentage if percent is None else percent,
        weighted=keys.algorithm(annotations) == WEIGHTED,
    )


def resolve_bounds(pa: PodAutoscaler, settings: AutoscalerSettings) -> Bounds:
    """Nobody keeps pods for a revision that no route leads to, so there the minimum does not count."""
    annotations = pa.metadata.annotations
    least = 0
    initial = keys.initial_scale(annotations, settings)
    if pa.spec.reachable:
        asked = integer(annotations, keys.MIN_SCALE)
        least = settings.min_scale if asked is None else asked
        if initial > 1 and not pa.status.initialized:
            least = max(least, initial)
    most = integer(annotations, keys.MAX_SCALE)
    return Bounds(least, settings.max_scale if most is None else most, initial)


def resolve_retention_s(pa: PodAutoscaler, settings: AutoscalerSettings) -> float:
    """How long the last pod stays after the decision for zero."""
    if not pa.spec.reachable:
        return 0.0
    asked = duration_s(pa.metadata.annotations, keys.POD_RETENTION)
    return settings.scale_to_zero_pod_retention_period_s if asked is None else asked
