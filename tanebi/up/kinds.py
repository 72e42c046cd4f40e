"""Every kind and every ConfigMap of the platform, from the packages that declare them."""

from __future__ import annotations

from typing import Any, Final

import activator.api
import autoscaler.api
import eventing.api
import importers.api
import serving.api
from tanebi.api.core.kinds import KINDS as CORE_KINDS
from tanebi.api.core.pod import PodStatus
from tanebi.api.core.workload import Scale
from tanebi.api.kind import AnyKind, ConfigKind

KINDS: Final[tuple[AnyKind, ...]] = (
    *CORE_KINDS,
    *serving.api.KINDS,
    *activator.api.KINDS,
    *autoscaler.api.KINDS,
    *eventing.api.KINDS,
    *importers.api.KINDS,
)
CONFIGS: Final[tuple[ConfigKind[Any], ...]] = (
    *serving.api.CONFIGS,
    *activator.api.CONFIGS,
    *autoscaler.api.CONFIGS,
    *eventing.api.CONFIGS,
    *importers.api.CONFIGS,
)
OF_A_WAKE: Final = (Scale, PodStatus)  # made by a first request and not before
