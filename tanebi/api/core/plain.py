"""Namespace, ConfigMap, Secret, Event (core/v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.network import TargetRef
from tanebi.api.meta import Model, Resource


class NamespaceSpec(Model):
    finalizers: list[str] = Field(default_factory=list)


class NamespaceStatus(Model):
    phase: str = ""
    conditions: list[dict[str, Any]] = Field(default_factory=list)


class Namespace(Resource):
    spec: NamespaceSpec = Field(default_factory=NamespaceSpec)
    status: NamespaceStatus = Field(default_factory=NamespaceStatus)


class ConfigMap(Resource):
    data: dict[str, str] = Field(default_factory=dict)
    binary_data: dict[str, str] = Field(default_factory=dict)
    immutable: bool | None = None


class Secret(Resource):
    """`data` values are base64; `string_data` is write-only and merged into `data` by defaulting."""

    data: dict[str, str] = Field(default_factory=dict)
    string_data: dict[str, str] = Field(default_factory=dict)
    type: str = ""
    immutable: bool | None = None


class Event(Resource):
    involved_object: TargetRef = Field(default_factory=TargetRef)
    related: TargetRef | None = None
    reason: str = ""
    message: str = ""
    source: dict[str, str] = Field(default_factory=dict)
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    count: int | None = None
    type: str = ""
    action: str = ""
    reporting_component: str = ""
    reporting_instance: str = ""
    series: dict[str, Any] | None = None
