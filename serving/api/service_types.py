"""Service: a Configuration and a Route of the same name, managed together."""

from __future__ import annotations

from pydantic import Field

from serving.api.configuration_types import ConfigurationStatus
from serving.api.revision_types import RevisionTemplate
from serving.api.route_types import Address, TrafficTarget
from tanebi.api.meta import Model, Resource


class ServiceSpec(Model):
    """The union of ConfigurationSpec and RouteSpec."""

    template: RevisionTemplate = Field(default_factory=RevisionTemplate)
    traffic: list[TrafficTarget] = Field(default_factory=list)


class ServiceStatus(ConfigurationStatus):
    """The union of ConfigurationStatus and RouteStatus."""

    url: str = ""
    address: Address | None = None
    traffic: list[TrafficTarget] = Field(default_factory=list)


class Service(Resource):
    spec: ServiceSpec = Field(default_factory=ServiceSpec)
    status: ServiceStatus = Field(default_factory=ServiceStatus)
