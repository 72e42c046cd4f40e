"""What the other packages may import of `importers`: kinds, types and protocols, and the door for authors of importers."""

from __future__ import annotations

from typing import Any

from importers.api.event import Event
from importers.api.importer import Context, Importer, Undelivered
from importers.api.ping import PING_SOURCE
from importers.api.ping_config import PING_DEFAULTS
from importers.api.source_kind import source_kind
from importers.api.source_types import Source, SourceSpec
from tanebi.api.kind import AnyKind, ConfigKind

KINDS: tuple[AnyKind, ...] = (PING_SOURCE,)
CONFIGS: tuple[ConfigKind[Any], ...] = (PING_DEFAULTS,)

__all__ = [
    "CONFIGS",
    "KINDS",
    "PING_DEFAULTS",
    "PING_SOURCE",
    "Context",
    "Event",
    "Importer",
    "Source",
    "SourceSpec",
    "Undelivered",
    "source_kind",
]
