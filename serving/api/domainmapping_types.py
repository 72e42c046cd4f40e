"""DomainMapping: a host of the user's own in front of a service of the same namespace."""

from __future__ import annotations

from pydantic import Field

from serving.api.route_types import Address
from tanebi.api.meta import KReference, KStatus, Model, Resource


class SecretTls(Model):
    """A TLS certificate that the user brings, in a Secret of the same namespace."""

    secret_name: str = ""


class DomainMappingSpec(Model):
    ref: KReference = Field(default_factory=KReference)
    tls: SecretTls | None = None


class DomainMappingStatus(KStatus):
    url: str = ""
    address: Address | None = None


class DomainMapping(Resource):
    """Its name is the host."""

    spec: DomainMappingSpec = Field(default_factory=DomainMappingSpec)
    status: DomainMappingStatus = Field(default_factory=DomainMappingStatus)
