"""Trigger (eventing.knative.dev/v1), as read."""

from __future__ import annotations

from pydantic import Field

from eventing.api.delivery_types import DeliverySpec, DeliveryStatus
from tanebi.api.meta import Destination, Key, KReference, Model, Resource


class TriggerFilter(Model):
    """The first filter Knative had: every attribute must match; "" means present and not empty."""

    attributes: dict[str, str] = Field(default_factory=dict)


class Filter(Model):
    """One filter of the Subscriptions API: exactly one dialect is set."""

    exact: dict[str, str] | None = None
    prefix: dict[str, str] | None = None
    suffix: dict[str, str] | None = None
    all: list[Filter] | None = None
    any: list[Filter] | None = None
    not_: Filter | None = Field(default=None, alias="not")
    cesql: str | None = None

    @property
    def dialects(self) -> list[str]:
        """Names of the dialects that are set."""
        named = {
            "exact": self.exact,
            "prefix": self.prefix,
            "suffix": self.suffix,
            "all": self.all,
            "any": self.any,
            "not": self.not_,
            "cesql": self.cesql or None,
        }
        return [name for name, value in named.items() if value is not None]


class TriggerSpec(Model):
    broker: str = ""
    broker_ref: KReference | None = None
    filter: TriggerFilter | None = None
    filters: list[Filter] = Field(default_factory=list)
    subscriber: Destination = Field(default_factory=Destination)
    delivery: DeliverySpec | None = None


class TriggerStatus(DeliveryStatus):
    subscriber_uri: str = ""
    subscriber_ca_certs: str = ""
    subscriber_audience: str = ""


class Trigger(Resource):
    spec: TriggerSpec = Field(default_factory=TriggerSpec)
    status: TriggerStatus = Field(default_factory=TriggerStatus)

    @property
    def broker_key(self) -> Key:
        """The broker it reads from. `broker` names one of its own namespace; `brokerRef` may say more."""
        ref = self.spec.broker_ref
        if ref is not None and not self.spec.broker:
            return Key(ref.namespace or self.metadata.namespace, ref.name)
        return Key(self.metadata.namespace, self.spec.broker)
