"""Metrics of the control loops."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from tanebi.base.metrics import REGISTRY

RECONCILES: Final = Counter(
    "tanebi_reconcile_total",
    "Passes of a reconciler over one key, by how they ended.",
    ("controller", "result"),
    registry=REGISTRY,
)
RECONCILE_SECONDS: Final = Histogram(
    "tanebi_reconcile_seconds",
    "How long one pass took, writes included.",
    ("controller",),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0),
    registry=REGISTRY,
)
QUEUE_DEPTH: Final = Gauge(
    "tanebi_workqueue_depth",
    "Keys that wait for a worker.",
    ("controller",),
    registry=REGISTRY,
)
NOTES_DROPPED: Final = Counter(
    "tanebi_events_dropped_total",
    "Kubernetes Events that were not written: too many waited, or the API server refused.",
    registry=REGISTRY,
)
