"""The declarations of Broker and Trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from eventing.api.broker_defaults import default_broker
from eventing.api.broker_types import Broker
from eventing.api.broker_validation import validate_broker
from eventing.api.names import BROKER_CLASS, GROUP, WEBHOOK
from eventing.api.trigger_defaults import default_trigger
from eventing.api.trigger_types import Trigger
from eventing.api.trigger_validation import validate_trigger
from tanebi.api.kind import Column, Kind
from tanebi.api.meta import Obj, annotations_of

_CATEGORIES: Final = ("all", "knative", "eventing")
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")
_READY: Final = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
_REASON: Final = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason')


def _class(obj: Obj, now: datetime) -> str:
    return annotations_of(obj).get(BROKER_CLASS, "")


BROKER: Final = Kind(
    GROUP,
    "v1",
    "Broker",
    "brokers",
    Broker,
    categories=_CATEGORIES,
    columns=(
        Column("URL", ".status.address.url"),
        _AGE,
        _READY,
        _REASON,
        Column("Class", r".metadata.annotations.eventing\.knative\.dev/broker\.class", cell=_class),
    ),
    labels={"duck.knative.dev/addressable": "true", "knative.dev/crd-install": "true"},
    webhook=WEBHOOK,
    defaults=default_broker,
    validate=validate_broker,
)
TRIGGER: Final = Kind(
    GROUP,
    "v1",
    "Trigger",
    "triggers",
    Trigger,
    categories=_CATEGORIES,
    columns=(
        Column("Broker", ".spec.broker"),
        Column("Subscriber_URI", ".status.subscriberUri"),
        _AGE,
        _READY,
        _REASON,
    ),
    labels={"knative.dev/crd-install": "true"},
    webhook=WEBHOOK,
    defaults=default_trigger,
    validate=validate_trigger,
)
