"""`tanebi.dev/upgrade-timeout`: how long an upgraded connection (a WebSocket) of a revision may last.

Knative ends them by the timeouts of requests. This annotation of the revision's template says otherwise. Pure.
Callers: serving.api.metadata_validation, activator.facts.
"""

from __future__ import annotations

from typing import Final

from tanebi.api import durations

UPGRADE_TIMEOUT: Final = "tanebi.dev/upgrade-timeout"
EXEMPT: Final = "exempt"


def parse_upgrade_timeout(text: str) -> float | None:
    """Seconds in place of timeoutSeconds; 0.0: exempt from all timeouts; None: not given, Knative's rules.

    Raises ValueError for what is neither `exempt` nor a positive Go duration.
    """
    if not text:
        return None
    if text == EXEMPT:
        return 0.0
    seconds = durations.parse_go(text)
    if seconds <= 0:
        raise ValueError(f"{UPGRADE_TIMEOUT}={text} must be positive, or {EXEMPT}")
    return seconds
