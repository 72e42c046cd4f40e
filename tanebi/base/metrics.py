"""The process's metric registry. Each component defines its own metrics, names as constants, in its `metrics.py`."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY: Final = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # asked from outside the loop
        return 0


Gauge(
    "tanebi_loop_tasks", "Tasks of the loop: flat, unless one leaks.", registry=REGISTRY
).set_function(_tasks)


def exposition(registry: CollectorRegistry = REGISTRY) -> tuple[str, bytes]:
    """Content type and body of a scrape."""
    return CONTENT_TYPE_LATEST, generate_latest(registry)
