"""ConfigMaps config-logging and config-leader-election: for Knative's parts as separate processes.

Clients of an installation look for them and edit them. They are checked as Knative checks them; there is one process here, whose
log is set by the environment, so that nothing follows from their values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind

BUCKETS_MAX: Final = 10
_LEVELS: Final = ("debug", "info", "warn", "error", "dpanic", "panic", "fatal")
_LEVEL_KEY: Final = "loglevel."


@dataclass(frozen=True, slots=True)
class Logging:
    """`levels`: by component."""

    zap: str
    levels: dict[str, str]


@dataclass(frozen=True, slots=True)
class LeaderElection:
    """Times are seconds."""

    lease_s: float
    renew_deadline_s: float
    retry_s: float
    buckets: int


def parse_logging(data: fields.Data) -> Logging:
    """Raises ValueError naming the key and the value that cannot stand."""
    zap = data.get("zap-logger-config", "")
    if zap:
        try:
            json.loads(zap)
        except ValueError as error:
            raise ValueError(f"zap-logger-config is not JSON: {error}") from error
    levels = {k.removeprefix(_LEVEL_KEY): v for k, v in data.items() if k.startswith(_LEVEL_KEY)}
    for component, level in levels.items():
        if level and level.lower() not in _LEVELS:
            raise ValueError(f"{_LEVEL_KEY}{component}: unrecognized level: {level!r}")
    return Logging(zap, levels)


def parse_leader_election(data: fields.Data) -> LeaderElection:
    """Raises ValueError naming the key and the value that cannot stand."""
    return LeaderElection(
        lease_s=fields.seconds(data, "lease-duration", 60.0),
        renew_deadline_s=fields.seconds(data, "renew-deadline", 40.0),
        retry_s=fields.seconds(data, "retry-period", 10.0),
        buckets=fields.integer(data, "buckets", 1, low=1, high=BUCKETS_MAX),
    )


LOGGING_EXAMPLE: Final = """\
# zap-logger-config is the configuration of Knative's logger, in JSON, and loglevel.COMPONENT the level of one part (debug, info,
# warn, error, dpanic, panic, fatal). Without effect: this platform's own log is set by the variables TANEBI_LOG_LEVEL and
# TANEBI_LOG.
"""
LEADER_EXAMPLE: Final = """\
# How long a leader that is silent is waited for, how long it tries to stay leader, and how often others look. Without effect,
# as all keys here: one process holds the data directory.
lease-duration: "60s"
renew-deadline: "40s"
retry-period: "10s"

# Into how many parts the work is divided, each with a leader of its own: 1 to 10.
buckets: "1"
"""

CONFIG_LOGGING: Final = ConfigKind(
    SYSTEM_NAMESPACE, "config-logging", parse_logging, example=LOGGING_EXAMPLE
)
CONFIG_LEADER_ELECTION: Final = ConfigKind(
    SYSTEM_NAMESPACE, "config-leader-election", parse_leader_election, example=LEADER_EXAMPLE
)
