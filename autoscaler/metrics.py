"""What the autoscaler shows at /metrics. One series a revision; gone when the revision is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from autoscaler.decide import Decision, Spec
from autoscaler.wakes import PHASES
from tanebi.api.meta import Key
from tanebi.base.metrics import REGISTRY

DESIRED_PODS: Final = "tanebi_autoscaler_desired_pods"
ACTUAL_PODS: Final = "tanebi_autoscaler_actual_pods"
STABLE_LOAD: Final = "tanebi_autoscaler_stable_load"
PANIC_LOAD: Final = "tanebi_autoscaler_panic_load"
TARGET_LOAD: Final = "tanebi_autoscaler_target_load_per_pod"
PANIC_MODE: Final = "tanebi_autoscaler_panic_mode"
SPARE_BURST: Final = "tanebi_autoscaler_spare_burst"
DECISIONS: Final = "tanebi_autoscaler_decisions_total"
COLD_START_PHASE: Final = "tanebi_cold_start_phase_seconds"

_BY: Final = ("namespace", "revision")


def _gauge(name: str, help_: str) -> Gauge:
    return Gauge(name, help_, _BY, registry=REGISTRY)


_desired = _gauge(DESIRED_PODS, "Pods that the last decision wants.")
_actual = _gauge(ACTUAL_PODS, "Pods that were ready at the last decision.")
_stable = _gauge(STABLE_LOAD, "Average load over the stable window.")
_panic = _gauge(PANIC_LOAD, "Average load over the panic window.")
_target = _gauge(TARGET_LOAD, "Load that one pod should carry.")
_panicking = _gauge(PANIC_MODE, "1 while the autoscaler panics.")
_spare = _gauge(SPARE_BURST, "Burst that ready pods can take beyond what is asked for.")
_decisions = Counter(DECISIONS, "Decisions taken.", ("mode",), registry=REGISTRY)
_phases = Histogram(
    COLD_START_PHASE,
    "A cold start, phase by phase.",
    (*_BY, "phase"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
_GAUGES: Final = (_desired, _actual, _stable, _panic, _target, _panicking, _spare)
_series: dict[
    Key, tuple[Gauge, ...]
] = {}  # of revisions: to look one up by its labels costs more than to set it


def decided(
    revision: Key, decision: Decision, spec: Spec, *, ready: int, stable: float, panic: float
) -> None:
    """Show one decision and the numbers it came from."""
    series = _series.get(revision)
    if series is None:
        series = _series[revision] = tuple(gauge.labels(*revision) for gauge in _GAUGES)
    for gauge, value in zip(
        series,
        (
            decision.want,
            ready,
            stable,
            panic,
            spec.target,
            int(decision.mode == "panic"),
            decision.spare,
        ),
        strict=True,
    ):
        gauge.set(value)
    _decisions.labels(decision.mode).inc()


def woke(revision: Key, phases: Mapping[str, float]) -> None:
    """One cold start is over."""
    for phase, seconds in phases.items():
        _phases.labels(*revision, phase).observe(seconds)


def forget(revision: Key) -> None:
    """Drop the series of a revision that is gone."""
    _series.pop(revision, None)
    for phase in PHASES:
        with suppress(KeyError):  # it never woke
            _phases.remove(*revision, phase)
    for gauge in _GAUGES:
        with suppress(KeyError):  # nothing was ever decided for it
            gauge.remove(*revision)
