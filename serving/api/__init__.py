"""What the other packages may import of `serving`: kinds, types and protocols."""

from __future__ import annotations

from typing import Any, Final

from serving.api.kinds import CONFIGURATION, KINDS, REVISION, ROUTE, SERVICE
from tanebi.api.kind import ConfigKind

CONFIGS: Final[tuple[ConfigKind[Any], ...]] = ()

__all__ = ["CONFIGS", "CONFIGURATION", "KINDS", "REVISION", "ROUTE", "SERVICE"]
