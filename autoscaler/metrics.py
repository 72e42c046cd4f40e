"""What the autoscaler shows at /metrics. One series a revision; gone when the revision is."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from prometheus_client import Counter, Gauge

from autoscaler.decide import Decision, Spec
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
_GAUGES: Final = (_desired, _actual, _stable, _panic, _target, _panicking, _spare)


def decided(
    revision: Key, decision: Decision, spec: Spec, *, ready: int, stable: float, panic: float
) -> None:
    """Show one decision and the numbers it came from."""
    for gauge, value in zip(
        _GAUGES,
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
        gauge.labels(*revision).set(value)
    _decisions.labels(decision.mode).inc()


def forget(revision: Key) -> None:
    """Drop the series of a revision that is gone."""
    for gauge in _GAUGES:
        with suppress(KeyError):  # nothing was ever decided for it
            gauge.remove(*revision)
