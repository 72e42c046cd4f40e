"""The `autoscaling.knative.dev/*` annotations of a revision's template: keys, readers, and what makes one wrong.

Readers are lenient: text that validation would refuse reads as absent, because a stored object may be older than a rule.
Keys, ranges and messages: reference/knative-serving.md §1.7.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from autoscaler.api.config_autoscaler import AutoscalerSettings
from autoscaler.api.limits import (
    ACTIVATION_SCALE_MIN,
    CONCURRENCY,
    DELAY_MAX_S,
    DOMAIN,
    HPA,
    KPA,
    LINEAR,
    PANIC_THRESHOLD_PERCENT_MAX,
    PANIC_THRESHOLD_PERCENT_MIN,
    PANIC_WINDOW_PERCENT_MAX,
    PANIC_WINDOW_PERCENT_MIN,
    RPS,
    SCALE_MAX,
    TARGET_MIN,
    UNLIMITED_BURST,
    WEIGHTED,
    WEIGHTED_OLD,
    WINDOW_MAX_S,
    WINDOW_MIN_S,
)
from tanebi.api.durations import format_go, parse_go
from tanebi.api.fielderrors import FieldError, invalid, out_of_bounds

Annotations = Mapping[str, str]
Names = tuple[str, ...]
"""The forms of one key, the one that wins first."""

PREFIX: Final = f"{DOMAIN}/"
WHY: Final = "tanebi.dev/why"
PROGRESS_DEADLINE: Final = "serving.knative.dev/progress-deadline"


def _names(*forms: str) -> Names:
    return tuple(f"{PREFIX}{form}" for form in forms)


CLASS: Final = _names("class")
METRIC: Final = _names("metric")
TARGET: Final = _names("target")
TARGET_UTILIZATION: Final = _names("target-utilization-percentage", "targetUtilizationPercentage")
TARGET_BURST_CAPACITY: Final = _names("target-burst-capacity", "targetBurstCapacity")
MIN_SCALE: Final = _names("min-scale", "minScale")
MAX_SCALE: Final = _names("max-scale", "maxScale")
INITIAL_SCALE: Final = _names("initial-scale", "initialScale")
ACTIVATION_SCALE: Final = _names("activation-scale")
WINDOW: Final = _names("window")
PANIC_WINDOW: Final = _names("panic-window-percentage", "panicWindowPercentage")
PANIC_THRESHOLD: Final = _names("panic-threshold-percentage", "panicThresholdPercentage")
SCALE_DOWN_DELAY: Final = _names("scale-down-delay", "scaleDownDelay")
POD_RETENTION: Final = _names("scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod")
ALGORITHM: Final = _names("metric-aggregation-algorithm", "metricAggregationAlgorithm")
EVERY_KEY: Final[tuple[Names, ...]] = (
    CLASS,
    METRIC,
    TARGET,
    TARGET_UTILIZATION,
    TARGET_BURST_CAPACITY,
    MIN_SCALE,
    MAX_SCALE,
    INITIAL_SCALE,
    ACTIVATION_SCALE,
    WINDOW,
    PANIC_WINDOW,
    PANIC_THRESHOLD,
    SCALE_DOWN_DELAY,
    POD_RETENTION,
    ALGORITHM,
)

_WHOLE: Final = re.compile(r"[+-]?\d+")
_TOO_PRECISE: Final = "must be specified with at most second precision"


# --- readers -----------------------------------------------------------------------------------
def find(annotations: Annotations, names: Names) -> tuple[str, str] | None:
    """The key as written and its text."""
    return next(((name, annotations[name]) for name in names if name in annotations), None)


def text(annotations: Annotations, names: Names) -> str | None:
    found = find(annotations, names)
    return found[1] if found else None


def number(annotations: Annotations, names: Names) -> float | None:
    found = find(annotations, names)
    return _float(found[1]) if found else None


def integer(annotations: Annotations, names: Names) -> int | None:
    """A whole number of 0 to 2³¹-1."""
    found = find(annotations, names)
    if found is None or not _WHOLE.fullmatch(found[1]):
        return None
    value = int(found[1])
    return value if 0 <= value <= SCALE_MAX else None


def duration_s(annotations: Annotations, names: Names) -> float | None:
    found = find(annotations, names)
    return _seconds(found[1]) if found else None


def autoscaler_class(annotations: Annotations, settings: AutoscalerSettings) -> str:
    return text(annotations, CLASS) or settings.pod_autoscaler_class


def metric(annotations: Annotations) -> str:
    return text(annotations, METRIC) or CONCURRENCY


def algorithm(annotations: Annotations) -> str:
    """`linear` or `weighted-exponential`; what is neither counts as linear."""
    chosen = text(annotations, ALGORITHM)
    return WEIGHTED if chosen in (WEIGHTED, WEIGHTED_OLD) else LINEAR


def initial_scale(annotations: Annotations, settings: AutoscalerSettings) -> int:
    """Pods to start with. Zero counts only while it is allowed."""
    chosen = integer(annotations, INITIAL_SCALE)
    if chosen is None or (chosen == 0 and not settings.allow_zero_initial_scale):
        return settings.initial_scale
    return chosen


def _float(value: str) -> float | None:
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def _seconds(value: str) -> float | None:
    try:
        return parse_go(value)
    except ValueError:
        return None


# --- validation --------------------------------------------------------------------------------
def validate_annotations(
    annotations: Annotations, settings: AutoscalerSettings
) -> list[FieldError]:
    """Every error; paths are the keys, so callers add `.via("annotations")` and so on."""
    return [
        *_class(annotations),
        *_scales(annotations, settings),
        *_numbers(annotations),
        *_durations(annotations),
        *_metric(annotations),
        *_algorithm(annotations),
        *_initial_scale(annotations, settings),
    ]


def _class(annotations: Annotations) -> list[FieldError]:
    found = find(annotations, CLASS)
    if found and found[1].endswith(DOMAIN) and found[1] not in (KPA, HPA):
        return [invalid(found[1], found[0])]
    return []


def _whole(annotations: Annotations, names: Names) -> tuple[int, list[FieldError]]:
    """The number (0 when absent or wrong) and what is wrong."""
    found = find(annotations, names)
    if found is None:
        return 0, []
    key, value = found
    if not _WHOLE.fullmatch(value):
        return 0, [invalid(value, key)]
    if not 0 <= int(value) <= SCALE_MAX:
        return 0, [out_of_bounds(value, 0, SCALE_MAX, key)]
    return int(value), []


def _scales(annotations: Annotations, settings: AutoscalerSettings) -> list[FieldError]:
    least, errors = _whole(annotations, MIN_SCALE)
    most, most_errors = _whole(annotations, MAX_SCALE)
    errors = errors + most_errors
    if most and most < least:
        message = f"max-scale={most} is less than min-scale={least}"
        errors.append(FieldError(message, (MAX_SCALE[0], MIN_SCALE[0])))
    found = find(annotations, MAX_SCALE)
    limit = settings.max_scale_limit
    if found and limit > 0:
        if most > limit:
            errors.append(out_of_bounds(most, 1, limit, found[0]))
        if most == 0:
            message = f"max-scale=0 (unlimited), must be less than {limit}"
            errors.append(FieldError(message, (found[0],)))
    return errors + _activation(annotations, least, most)


def _activation(annotations: Annotations, least: int, most: int) -> list[FieldError]:
    found = find(annotations, ACTIVATION_SCALE)
    if found is None:
        return []
    key, value = found
    if not _WHOLE.fullmatch(value) or abs(int(value)) > SCALE_MAX:
        return [invalid(value, key)]
    chosen = int(value)
    if chosen < ACTIVATION_SCALE_MIN:
        message = f"activation-scale={chosen} must be greater than 1"
    elif least > chosen:
        message = f"min-scale={least} is greater than activation-scale={chosen}"
    elif most and most < chosen:
        message = f"max-scale={most} is less than activation-scale={chosen}"
    else:
        return []
    return [FieldError(message, (key,))]


def _bounded(annotations: Annotations, names: Names, low: float, high: float) -> list[FieldError]:
    found = find(annotations, names)
    if found is None:
        return []
    value = _float(found[1])
    if value is None:
        return [invalid(found[1], found[0])]
    if not low <= value <= high:
        return [out_of_bounds(found[1], f"{low:g}", f"{high:g}", found[0])]
    return []


def _numbers(annotations: Annotations) -> list[FieldError]:
    errors = [
        *_bounded(annotations, PANIC_WINDOW, PANIC_WINDOW_PERCENT_MIN, PANIC_WINDOW_PERCENT_MAX),
        *_bounded(
            annotations,
            PANIC_THRESHOLD,
            PANIC_THRESHOLD_PERCENT_MIN,
            PANIC_THRESHOLD_PERCENT_MAX,
        ),
        *_bounded(annotations, TARGET_UTILIZATION, 1, 100),
    ]
    if found := find(annotations, TARGET):
        value = _float(found[1])
        if value is None:
            errors.append(invalid(found[1], found[0]))
        elif value < TARGET_MIN:
            message = f"target {found[1]} should be at least {TARGET_MIN:g}"
            errors.append(FieldError(message, (found[0],)))
    if found := find(annotations, TARGET_BURST_CAPACITY):
        value = _float(found[1])
        if value is None or (value < 0 and value != UNLIMITED_BURST):
            errors.append(invalid(found[1], found[0]))
    return errors


def _span(
    annotations: Annotations, names: Names, low_s: float, high_s: float, *, whole: bool
) -> list[FieldError]:
    found = find(annotations, names)
    if found is None:
        return []
    key, value = found
    seconds = _seconds(value)
    if seconds is None:
        return [invalid(value, key)]
    if not low_s <= seconds <= high_s:
        return [out_of_bounds(value, format_go(low_s), format_go(high_s), key)]
    if whole and seconds != int(seconds):
        return [FieldError(_TOO_PRECISE, (key,))]
    return []


def _durations(annotations: Annotations) -> list[FieldError]:
    return [
        *_span(annotations, WINDOW, WINDOW_MIN_S, WINDOW_MAX_S, whole=True),
        *_span(annotations, POD_RETENTION, 0, DELAY_MAX_S, whole=False),
        *_span(annotations, SCALE_DOWN_DELAY, 0, DELAY_MAX_S, whole=True),
    ]


def _metric(annotations: Annotations) -> list[FieldError]:
    found = find(annotations, METRIC)
    if found is None:
        return []
    key, value = found
    allowed = {KPA: value in (CONCURRENCY, RPS), HPA: value != ""}
    if allowed.get(text(annotations, CLASS) or KPA, True):
        return []
    return [invalid(value, key)]


def _algorithm(annotations: Annotations) -> list[FieldError]:
    """Knative checks this key only when the class is written out; without a class we warn, and count linearly."""
    found = find(annotations, ALGORITHM)
    chosen = text(annotations, CLASS)
    if found is None or found[1] in ("", LINEAR, WEIGHTED, WEIGHTED_OLD):
        return []
    if chosen not in (None, KPA):
        return []
    error = invalid(found[1], found[0])
    return [error if chosen == KPA else error.as_warning()]


def _initial_scale(annotations: Annotations, settings: AutoscalerSettings) -> list[FieldError]:
    found = find(annotations, INITIAL_SCALE)
    if found is None:
        return []
    key, value = found
    if not _WHOLE.fullmatch(value) or int(value) > SCALE_MAX:
        return [invalid(value, key)]
    if int(value) < 0:
        return [invalid(value, f"{key} must be greater than 0")]
    if int(value) == 0 and not settings.allow_zero_initial_scale:
        return [invalid(value, f"{key}=0 not allowed by cluster")]
    return []
