"""Names and bounds of autoscaling, shared by annotations and settings (reference/knative-serving.md §1.7)."""

from __future__ import annotations

from typing import Final

DOMAIN: Final = "autoscaling.knative.dev"
KPA: Final = f"kpa.{DOMAIN}"
HPA: Final = f"hpa.{DOMAIN}"

CONCURRENCY: Final = "concurrency"
RPS: Final = "rps"
LINEAR: Final = "linear"
WEIGHTED: Final = "weighted-exponential"
WEIGHTED_OLD: Final = "weightedExponential"

TARGET_MIN: Final = 0.01
WINDOW_MIN_S: Final = 6.0
WINDOW_MAX_S: Final = 3600.0
DELAY_MAX_S: Final = WINDOW_MAX_S
PANIC_WINDOW_PERCENT_MIN: Final = 1.0
PANIC_WINDOW_PERCENT_MAX: Final = 100.0
PANIC_THRESHOLD_PERCENT_MIN: Final = 110.0
PANIC_THRESHOLD_PERCENT_MAX: Final = 1000.0
ACTIVATION_SCALE_MIN: Final = 2
SCALE_MAX: Final = 2**31 - 1

UNLIMITED_BURST: Final = -1.0
SCALE_UNKNOWN: Final = -1
ACTIVATORS_MIN: Final = 2
