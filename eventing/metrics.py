"""What the broker counts. Documented in docs/reference/metrics.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from tanebi.base.metrics import REGISTRY

_TRIGGER: Final = ("namespace", "trigger")

ACCEPTED: Final = Counter(
    "tanebi_broker_events_accepted_total",
    "Events on disk and acknowledged, replies included.",
    ("namespace", "broker"),
    registry=REGISTRY,
)
REFUSED: Final = Counter(
    "tanebi_broker_events_refused_total",
    "Requests to the ingress that were not stored, by status.",
    ("status",),
    registry=REGISTRY,
)
FILTERED: Final = Counter(
    "tanebi_trigger_events_filtered_total",
    "Events that a trigger did not want.",
    _TRIGGER,
    registry=REGISTRY,
)
DELIVERED: Final = Counter(
    "tanebi_trigger_events_delivered_total",
    "Events that a trigger's subscriber took.",
    _TRIGGER,
    registry=REGISTRY,
)
RETRIED: Final = Counter(
    "tanebi_trigger_deliveries_failed_total",
    "Deliveries that failed and are tried again.",
    _TRIGGER,
    registry=REGISTRY,
)
DEAD_LETTERED: Final = Counter(
    "tanebi_trigger_events_dead_lettered_total",
    "Events that a trigger's dead letter sink took.",
    _TRIGGER,
    registry=REGISTRY,
)
BURIED: Final = Counter(
    "tanebi_trigger_events_buried_total",
    "Events that nobody took and that are kept in the log as dead letters.",
    _TRIGGER,
    registry=REGISTRY,
)
BACKLOG: Final = Gauge(
    "tanebi_trigger_backlog_events",
    "Events that a trigger has not answered for.",
    _TRIGGER,
    registry=REGISTRY,
)
_PER_TRIGGER: Final = (FILTERED, DELIVERED, RETRIED, DEAD_LETTERED, BURIED, BACKLOG)


@dataclass(frozen=True, slots=True)
class Meters:
    """One trigger's counters, looked up once."""

    filtered: Counter
    delivered: Counter
    retried: Counter
    dead_lettered: Counter
    buried: Counter


def meters(namespace: str, trigger: str, backlog: Callable[[], int]) -> Meters:
    """Begin to count for a trigger; `backlog` is asked at each scrape."""
    labels = (namespace, trigger)
    BACKLOG.labels(*labels).set_function(lambda: float(backlog()))
    return Meters(
        FILTERED.labels(*labels),
        DELIVERED.labels(*labels),
        RETRIED.labels(*labels),
        DEAD_LETTERED.labels(*labels),
        BURIED.labels(*labels),
    )


def forget(namespace: str, trigger: str) -> None:
    """The trigger is gone: so are its series."""
    for metric in _PER_TRIGGER:
        metric.remove(namespace, trigger)
