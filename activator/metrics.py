"""What the data plane tells Prometheus. Names are documented in docs/reference/metrics.md.

Requests are counted as plain integers where they happen (activator.backend) and read at scrape time, for a labelled counter
costs more than the rest of the bookkeeping of a request together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from activator.backend import Backend
from activator.times import Times
from tanebi.base.metrics import REGISTRY

REQUESTS: Final = "tanebi_activator_requests"
QUEUE_DEPTH: Final = "tanebi_activator_queue_depth"
CONCURRENCY: Final = "tanebi_activator_concurrency"
USABLE_PODS: Final = "tanebi_activator_usable_pods"
COLD_START: Final = "tanebi_activator_cold_start_seconds"

# 0 counts requests whose client left before it was answered.
CLASSES: Final = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
LABELS: Final = ("namespace", "revision")

COLD_STARTS: Final = Histogram(
    COLD_START,
    "From a request for a sleeping revision to the head of its answer.",
    LABELS,
    buckets=(0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60),
    registry=REGISTRY,
)


def observe_cold_start(backend: Backend, times: Times) -> None:
    COLD_STARTS.labels(*backend.key).observe(times.total_s)


class BackendCollector(Collector):
    """Reads the counters of all backends at scrape time."""

    def __init__(self, backends: Callable[[], Iterable[Backend]]) -> None:
        self._backends = backends

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            REQUESTS, "Requests answered, by class of status.", labels=(*LABELS, "class")
        )
        queue = GaugeMetricFamily(QUEUE_DEPTH, "Requests that wait for a pod.", labels=LABELS)
        busy = GaugeMetricFamily(CONCURRENCY, "Requests here, waiting ones too.", labels=LABELS)
        pods = GaugeMetricFamily(USABLE_PODS, "Pods that take requests.", labels=LABELS)
        for backend in self._backends():
            labels = list(backend.key)
            for name, count in zip(CLASSES, backend.counts.by_class, strict=True):
                if count:
                    requests.add_metric([*labels, name], count)
            queue.add_metric(labels, backend.throttler.waiting)
            busy.add_metric(labels, backend.meter.concurrency if backend.meter else 0)
            pods.add_metric(labels, len(backend.throttler.targets))
        yield from (requests, queue, busy, pods)
