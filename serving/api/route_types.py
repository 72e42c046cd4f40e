"""Route: which revisions a host's traffic goes to, and in which shares."""

from __future__ import annotations

from pydantic import Field

from tanebi.api.meta import KStatus, Model, Resource


class TrafficTarget(Model):
    """One share of the traffic. `url` is set in a status only; a `percent` of None counts as 0."""

    tag: str = ""
    revision_name: str = ""
    configuration_name: str = ""
    latest_revision: bool | None = None
    percent: int | None = None
    url: str = ""


class RouteSpec(Model):
    traffic: list[TrafficTarget] = Field(default_factory=list)


class Address(Model):
    url: str = ""
    name: str | None = None
    ca_certs: str | None = Field(default=None, alias="CACerts")
    audience: str | None = None


class RouteStatus(KStatus):
    url: str = ""
    address: Address | None = None
    traffic: list[TrafficTarget] = Field(default_factory=list)


class Route(Resource):
    spec: RouteSpec = Field(default_factory=RouteSpec)
    status: RouteStatus = Field(default_factory=RouteStatus)
