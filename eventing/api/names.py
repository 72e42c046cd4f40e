"""The names by which Knative's clients know brokers and triggers."""

from __future__ import annotations

from typing import Final

GROUP: Final = "eventing.knative.dev"
SYSTEM_NAMESPACE: Final = "knative-eventing"
WEBHOOK: Final = "validation.webhook.eventing.knative.dev"

BROKER_CLASS: Final = "eventing.knative.dev/broker.class"
BROKER_LABEL: Final = "eventing.knative.dev/broker"
DEPENDENCY: Final = "knative.dev/dependency"
INJECTION: Final = "eventing.knative.dev/injection"

# Our broker answers to the name of Knative's default class, so that manifests run unchanged.
OUR_CLASS: Final = "MTChannelBasedBroker"

INGRESS_HOST: Final = "broker-ingress.knative-eventing.svc.cluster.local"


def broker_url(namespace: str, name: str) -> str:
    """Where a broker takes events, as its status says it."""
    return f"http://{INGRESS_HOST}/{namespace}/{name}"
