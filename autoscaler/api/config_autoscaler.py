"""The ConfigMap `config-autoscaler`: keys, defaults and rules (reference/knative-serving.md §1.7)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from autoscaler.api.limits import (
    KPA,
    PANIC_THRESHOLD_PERCENT_MAX,
    PANIC_THRESHOLD_PERCENT_MIN,
    PANIC_WINDOW_PERCENT_MAX,
    PANIC_WINDOW_PERCENT_MIN,
    SCALE_MAX,
    TARGET_MIN,
    WINDOW_MAX_S,
    WINDOW_MIN_S,
)
from tanebi.api.durations import format_go, parse_go
from tanebi.api.kind import ConfigKind

_INTEGER: Final = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class AutoscalerSettings:
    """What applies to every revision that does not say otherwise. Times are seconds, fractions are 0..1."""

    enable_scale_to_zero: bool = True
    allow_zero_initial_scale: bool = False
    pod_autoscaler_class: str = KPA
    concurrency_target_fraction: float = 0.7
    concurrency_target_default: float = 100.0
    rps_target_default: float = 200.0
    rps_target_fraction: float = 0.7  # Knative has no key for it
    target_burst_capacity: float = 211.0
    stable_window_s: float = 60.0
    panic_window_percentage: float = 10.0
    panic_threshold_percentage: float = 200.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    scale_down_delay_s: float = 0.0
    scale_to_zero_grace_period_s: float = 30.0
    scale_to_zero_pod_retention_period_s: float = 0.0
    activator_capacity: float = 100.0
    initial_scale: int = 1
    min_scale: int = 0
    max_scale: int = 0
    max_scale_limit: int = 0


DEFAULTS: Final = AutoscalerSettings()


def _text(value: str) -> str:
    return value


def _boolean(value: str) -> bool:
    """As Knative reads it: anything but true is false."""
    return value.strip().lower() == "true"


def _number(value: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {value!r}")
    return number


def _integer(value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise ValueError(f"not a whole number: {value!r}")
    number = int(value)
    if abs(number) > SCALE_MAX:
        raise ValueError(f"out of range: {value!r}")
    return number


_KEYS: Final[tuple[tuple[str, str, Callable[[str], Any]], ...]] = (
    ("pod-autoscaler-class", "pod_autoscaler_class", _text),
    ("enable-scale-to-zero", "enable_scale_to_zero", _boolean),
    ("allow-zero-initial-scale", "allow_zero_initial_scale", _boolean),
    ("max-scale-up-rate", "max_scale_up_rate", _number),
    ("max-scale-down-rate", "max_scale_down_rate", _number),
    ("container-concurrency-target-percentage", "concurrency_target_fraction", _number),
    ("container-concurrency-target-default", "concurrency_target_default", _number),
    ("requests-per-second-target-default", "rps_target_default", _number),
    ("target-burst-capacity", "target_burst_capacity", _number),
    ("panic-window-percentage", "panic_window_percentage", _number),
    ("panic-threshold-percentage", "panic_threshold_percentage", _number),
    ("activator-capacity", "activator_capacity", _number),
    ("initial-scale", "initial_scale", _integer),
    ("min-scale", "min_scale", _integer),
    ("max-scale", "max_scale", _integer),
    ("max-scale-limit", "max_scale_limit", _integer),
    ("stable-window", "stable_window_s", parse_go),
    ("scale-down-delay", "scale_down_delay_s", parse_go),
    ("scale-to-zero-grace-period", "scale_to_zero_grace_period_s", parse_go),
    ("scale-to-zero-pod-retention-period", "scale_to_zero_pod_retention_period_s", parse_go),
)


def parse(data: Mapping[str, str]) -> AutoscalerSettings:
    """Missing keys keep their defaults. Raises ValueError naming the key and its value."""
    changes: dict[str, Any] = {}
    for key, field, read in _KEYS:
        if key not in data:
            continue
        try:
            changes[field] = read(data[key])
        except ValueError as error:
            raise ValueError(f"failed to parse data: failed to parse {key!r}: {error}") from error
    settings = replace(DEFAULTS, **changes)
    if settings.concurrency_target_fraction > 1.0:
        # Values up to 1 are fractions already: an old form that Knative still reads.
        percent = settings.concurrency_target_fraction
        settings = replace(settings, concurrency_target_fraction=percent / 100.0)
    for problem in (*_time_problems(settings), *_number_problems(settings)):
        raise ValueError(problem)
    return settings


def _time_problems(s: AutoscalerSettings) -> list[str]:
    problems = []
    if s.scale_to_zero_grace_period_s <= 0:
        shown = format_go(s.scale_to_zero_grace_period_s)
        problems.append(f"scale-to-zero-grace-period must be positive, was: {shown}")
    if s.scale_to_zero_pod_retention_period_s < 0:
        shown = format_go(s.scale_to_zero_pod_retention_period_s)
        problems.append(f"scale-to-zero-pod-retention-period cannot be negative, was: {shown}")
    delay, window = s.scale_down_delay_s, s.stable_window_s
    if delay < 0:
        problems.append(f"scale-down-delay cannot be negative, was: {format_go(delay)}")
    if delay != round(delay):
        problems.append(_too_precise("scale-down-delay", delay))
    if not WINDOW_MIN_S <= window <= WINDOW_MAX_S:
        problems.append(
            f"stable-window = {format_go(window)}, must be in "
            f"[{format_go(WINDOW_MIN_S)}; {format_go(WINDOW_MAX_S)}] range"
        )
    if window != round(window):
        problems.append(_too_precise("stable-window", window))
    return problems


def _too_precise(key: str, seconds: float) -> str:
    return f"{key} = {format_go(seconds)}, must be specified with at most second precision"


def _number_problems(s: AutoscalerSettings) -> list[str]:
    fraction = s.concurrency_target_fraction
    concurrency = fraction * s.concurrency_target_default
    least = 0 if s.allow_zero_initial_scale else 1
    max_least = 1 if s.max_scale_limit > 0 else 0
    max_fits = s.max_scale >= max_least and (
        s.max_scale_limit <= 0 or s.max_scale <= s.max_scale_limit
    )
    rules: tuple[tuple[bool, str], ...] = (
        (
            s.target_burst_capacity >= 0 or s.target_burst_capacity == -1,
            "target-burst-capacity must be either non-negative or -1 (for unlimited), "
            f"was: {s.target_burst_capacity:f}",
        ),
        (
            0 < fraction <= 1,
            f"container-concurrency-target-percentage = {fraction:f} is outside of valid range of (0, 100]",
        ),
        (
            concurrency >= TARGET_MIN,
            "container-concurrency-target-percentage and container-concurrency-target-default yield "
            f"target concurrency of {concurrency:g}, can't be less than {TARGET_MIN}",
        ),
        (
            s.rps_target_default >= TARGET_MIN,
            f"requests-per-second-target-default must be at least {TARGET_MIN}, was: {s.rps_target_default:g}",
        ),
        (
            s.activator_capacity >= 1,
            f"activator-capacity = {s.activator_capacity:g}, must be at least 1",
        ),
        (
            s.max_scale_up_rate > 1,
            f"max-scale-up-rate = {s.max_scale_up_rate:g}, must be greater than 1.0",
        ),
        (
            s.max_scale_down_rate > 1,
            f"max-scale-down-rate = {s.max_scale_down_rate:g}, must be greater than 1.0",
        ),
        (
            PANIC_WINDOW_PERCENT_MIN <= s.panic_window_percentage <= PANIC_WINDOW_PERCENT_MAX,
            f"panic-window-percentage = {s.panic_window_percentage:g}, must be in "
            f"[{PANIC_WINDOW_PERCENT_MIN:g}, {PANIC_WINDOW_PERCENT_MAX:g}] interval",
        ),
        (
            PANIC_THRESHOLD_PERCENT_MIN
            <= s.panic_threshold_percentage
            <= PANIC_THRESHOLD_PERCENT_MAX,
            f"panic-threshold-percentage = {s.panic_threshold_percentage:g}, must be in "
            f"[{PANIC_THRESHOLD_PERCENT_MIN:g}, {PANIC_THRESHOLD_PERCENT_MAX:g}] interval",
        ),
        (
            s.initial_scale >= least,
            f"initial-scale = {s.initial_scale}, must be at least 0 (or at least 1 when "
            "allow-zero-initial-scale is false)",
        ),
        (s.min_scale >= 0, f"min-scale = {s.min_scale}, must be at least 0"),
        (
            max_fits,
            f"max-scale = {s.max_scale}, must be in [{max_least}, max-scale-limit({s.max_scale_limit})] range",
        ),
        (s.max_scale_limit >= 0, f"max-scale-limit = {s.max_scale_limit}, must be at least 0"),
    )
    return [message for holds, message in rules if not holds]


EXAMPLE: Final = """\
# Every key below shows its default. Copy a line up one level, into `data`, to change it.
# Annotations on a revision's template win over what is set here.

# --- how much one pod should carry ---
# Share of a pod's concurrency limit that we aim for, in percent (a value up to 1 is a fraction).
container-concurrency-target-percentage: "70"
# Concurrency that we aim for when containerConcurrency is 0.
container-concurrency-target-default: "100"
# Requests a second that we aim for when the metric is rps.
requests-per-second-target-default: "200"
# Spare requests that the pods must be able to take before the activator leaves the path: 0 means only at
# zero pods, -1 means that it never leaves.
target-burst-capacity: "211"

# --- over which time we look ---
# 6s to 1h, in whole seconds.
stable-window: "60s"
# Length of the panic window, in percent of the stable one, 1 to 100.
panic-window-percentage: "10.0"
# Load that starts a panic, in percent of what the ready pods should carry, 110 to 1000.
panic-threshold-percentage: "200.0"

# --- how fast the number of pods may change ---
# Most pods per ready pod in one decision, greater than 1.
max-scale-up-rate: "1000.0"
# Ready pods over this number is the fewest we go to in one decision, greater than 1.
max-scale-down-rate: "2.0"
# How long fewer pods must suffice before there are fewer, in whole seconds.
scale-down-delay: "0s"

# --- zero ---
enable-scale-to-zero: "true"
# How long the activator has been in the path before the last pod goes.
scale-to-zero-grace-period: "30s"
# How long the last pod stays after the decision for zero, at least.
scale-to-zero-pod-retention-period: "0s"

# --- bounds ---
# Pods that a new revision starts with; 0 only when it is allowed.
initial-scale: "1"
allow-zero-initial-scale: "false"
# 0 means no bound.
min-scale: "0"
max-scale: "0"
# The largest max-scale that a revision may ask for; 0 means any.
max-scale-limit: "0"

# --- the rest ---
# Concurrent requests that one activator should carry.
activator-capacity: "100.0"
# The autoscaler of revisions that name none.
pod-autoscaler-class: "kpa.autoscaling.knative.dev"
"""

CONFIG_AUTOSCALER: Final = ConfigKind(
    "knative-serving", "config-autoscaler", parse, example=EXAMPLE
)
