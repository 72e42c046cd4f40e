"""Broker (eventing.knative.dev/v1), as read."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from eventing.api.delivery_types import DeliverySpec, DeliveryStatus
from eventing.api.names import BROKER_CLASS, OUR_CLASS
from tanebi.api.meta import KReference, Model, Resource


class Address(Model):
    """Where an addressable object takes events."""

    name: str | None = None
    url: str = ""
    ca_certs: str | None = Field(default=None, alias="CACerts")
    audience: str | None = None


class BrokerSpec(Model):
    config: KReference | None = None
    delivery: DeliverySpec | None = None


class BrokerStatus(DeliveryStatus):
    address: Address | None = None
    addresses: list[Address] = Field(default_factory=list)
    policies: list[dict[str, Any]] = Field(default_factory=list)


class Broker(Resource):
    spec: BrokerSpec = Field(default_factory=BrokerSpec)
    status: BrokerStatus = Field(default_factory=BrokerStatus)

    @property
    def broker_class(self) -> str:
        return self.metadata.annotations.get(BROKER_CLASS, "")

    @property
    def ours(self) -> bool:
        """A broker of another class belongs to another controller and must be left alone."""
        return self.broker_class == OUR_CLASS
