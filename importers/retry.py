"""When an event that a sink did not take is sent again. Pure.

Which answers are worth another try is the CloudEvents data plane's table (reference/knative-eventing.md §2).
"""

from __future__ import annotations

from typing import Final, Literal

Verdict = Literal["accepted", "again", "refused"]

RETRIES_MAX: Final = 12  # with the delays below: half a minute
BACKOFF_FIRST_S: Final = 0.05
BACKOFF_MAX_S: Final = 5.0
RETRIABLE: Final = frozenset({404, 408, 409, 429})


def verdict(status: int) -> Verdict:
    if 200 <= status < 300:
        return "accepted"
    return "again" if status in RETRIABLE or status >= 500 else "refused"


def delay_s(retry: int) -> float:
    """Seconds before retry number `retry`, which counts from 0."""
    return float(min(BACKOFF_FIRST_S * 2.0 ** min(retry, 60), BACKOFF_MAX_S))
