"""What the other packages may import of `eventing`: kinds, types and protocols."""

from __future__ import annotations

from typing import Any, Final

from eventing.api.config_br_defaults import BROKER_DEFAULTS
from eventing.api.config_features import FEATURES
from eventing.api.kinds import BROKER, TRIGGER
from tanebi.api.kind import AnyKind, ConfigKind

KINDS: Final[tuple[AnyKind, ...]] = (BROKER, TRIGGER)
CONFIGS: Final[tuple[ConfigKind[Any], ...]] = (BROKER_DEFAULTS, FEATURES)
