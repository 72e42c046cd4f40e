"""What the other packages may import of `serving`: kinds, types and protocols."""

from __future__ import annotations

from typing import Any, Final

from serving.api.caching import IMAGE
from serving.api.certificate import CERTIFICATE
from serving.api.config_defaults import CONFIG_DEFAULTS
from serving.api.config_deployment import CONFIG_DEPLOYMENT
from serving.api.config_domain import CONFIG_DOMAIN
from serving.api.config_features import CONFIG_FEATURES
from serving.api.config_gc import CONFIG_GC
from serving.api.config_network import CONFIG_NETWORK
from serving.api.config_observability import CONFIG_OBSERVABILITY
from serving.api.config_operations import CONFIG_LEADER_ELECTION, CONFIG_LOGGING
from serving.api.domainclaim import DOMAIN_CLAIM
from serving.api.kinds import CONFIGURATION, DOMAIN_MAPPING, KINDS, REVISION, ROUTE, SERVICE
from tanebi.api.kind import ConfigKind

CONFIGS: Final[tuple[ConfigKind[Any], ...]] = (
    CONFIG_DEFAULTS,
    CONFIG_DEPLOYMENT,
    CONFIG_DOMAIN,
    CONFIG_FEATURES,
    CONFIG_GC,
    CONFIG_LEADER_ELECTION,
    CONFIG_LOGGING,
    CONFIG_NETWORK,
    CONFIG_OBSERVABILITY,
)

__all__ = [
    "CERTIFICATE",
    "CONFIGS",
    "CONFIGURATION",
    "CONFIG_DEFAULTS",
    "CONFIG_DEPLOYMENT",
    "CONFIG_DOMAIN",
    "CONFIG_FEATURES",
    "CONFIG_GC",
    "CONFIG_LEADER_ELECTION",
    "CONFIG_LOGGING",
    "CONFIG_NETWORK",
    "CONFIG_OBSERVABILITY",
    "DOMAIN_CLAIM",
    "DOMAIN_MAPPING",
    "IMAGE",
    "KINDS",
    "REVISION",
    "ROUTE",
    "SERVICE",
]
