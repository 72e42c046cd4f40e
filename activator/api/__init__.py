"""What the other packages may import of `activator`: kinds, types and protocols."""

from __future__ import annotations

from typing import Any, Final

from activator.api.ingress import INGRESS
from tanebi.api.kind import AnyKind, ConfigKind

KINDS: Final[tuple[AnyKind, ...]] = (INGRESS,)
CONFIGS: Final[tuple[ConfigKind[Any], ...]] = ()
