"""PingSource: an event by the clock (sources.knative.dev/v1)."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from importers.api.source_types import Source, SourceSpec

EVENT_TYPE: Final = "dev.knative.sources.ping"
EVERY_MINUTE: Final = "* * * * *"


class PingSourceSpec(SourceSpec):
    """`schedule` is cron with five fields, or six when seconds come first; `timezone` an IANA name, UTC when empty.
    At most one of `data` (text) and `data_base64` (bytes) is set."""

    schedule: str = ""
    timezone: str = ""
    content_type: str = ""
    data: str = ""
    data_base64: str = ""


class PingSource(Source):
    spec: PingSourceSpec = Field(default_factory=PingSourceSpec)


def event_source(namespace: str, name: str) -> str:
    """The `source` attribute of the events of one PingSource."""
    return f"/apis/v1/namespaces/{namespace}/pingsources/{name}"
