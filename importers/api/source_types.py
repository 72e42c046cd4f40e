"""What every source kind has: a sink, overrides, and the status Knative gives it (reference/knative-eventing.md §1.1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.meta import Destination, KStatus, Model, Resource


class CloudEventOverrides(Model):
    """Extensions that are set on every event, replacing those of the same name."""

    extensions: dict[str, str] = Field(default_factory=dict)


class SourceSpec(Model):
    """Base of every importer's settings."""

    sink: Destination = Field(default_factory=Destination)
    ce_overrides: CloudEventOverrides = Field(default_factory=CloudEventOverrides)


class CloudEventAttributes(Model):
    """One kind of event that a source emits."""

    type: str = ""
    source: str = ""


class SourceStatus(KStatus):
    sink_uri: str = ""
    sink_ca_certs: str = Field(default="", alias="sinkCACerts")
    sink_audience: str = ""
    ce_attributes: list[CloudEventAttributes] = Field(default_factory=list)
    auth: dict[str, Any] | None = None


class Source(Resource):
    """The least a source kind has. Kinds narrow `spec`."""

    spec: SourceSpec = Field(default_factory=SourceSpec)
    status: SourceStatus = Field(default_factory=SourceStatus)
