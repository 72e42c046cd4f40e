"""Metrics of the API server. A watch counts as answered when it has begun."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from tanebi.base.metrics import REGISTRY

REQUESTS: Final = Counter(
    "tanebi_api_requests_total",
    "Requests answered, by method, resource and status code.",
    ("method", "resource", "code"),
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "tanebi_api_request_seconds",
    "From request to answer; for writes that is until they are on disk.",
    ("method",),
    buckets=(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0),
    registry=REGISTRY,
)
OBJECTS: Final = Gauge(
    "tanebi_api_objects",
    "Objects stored.",
    ("resource",),
    registry=REGISTRY,
)
WATCHES: Final = Gauge("tanebi_api_watches", "Watches open now.", registry=REGISTRY)
