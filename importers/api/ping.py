"""The PingSource kind."""

from __future__ import annotations

from typing import Final

from importers.api.ping_defaults import defaults
from importers.api.ping_types import PingSource
from importers.api.ping_validation import validate
from importers.api.source_kind import source_kind
from tanebi.api.kind import Column, Kind

PING_SOURCE: Final[Kind[PingSource]] = source_kind(
    "PingSource",
    PingSource,
    columns=(Column("Schedule", ".spec.schedule"),),
    defaults=defaults,
    validate=validate,
)
