"""What the other packages may import of `autoscaler`: kinds, types and protocols."""

from __future__ import annotations

from typing import Any, Final

from autoscaler.api.annotations import validate_annotations
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER
from autoscaler.api.kinds import KINDS, POD_AUTOSCALER, SERVERLESS_SERVICE
from autoscaler.api.metric import METRIC
from tanebi.api.kind import ConfigKind

CONFIGS: Final[tuple[ConfigKind[Any], ...]] = (CONFIG_AUTOSCALER,)

__all__ = [
    "CONFIGS",
    "CONFIG_AUTOSCALER",
    "KINDS",
    "METRIC",
    "POD_AUTOSCALER",
    "SERVERLESS_SERVICE",
    "validate_annotations",
]
