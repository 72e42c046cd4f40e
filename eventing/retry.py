"""When a delivery is tried again (reference/knative-eventing.md §2).

Retriable: 404, 408, 409, 429, 5xx and everything that is no answer at all. The k-th retry (from 0) waits `delay × k` (linear) or
`delay × 2^k` (exponential), as Knative's default broker does; a back-off needs both a policy and a delay. Retry-After counts only
when `retryAfterMax` is set: the longer of the back-off and the (capped) Retry-After.

Pure. Caller: eventing.delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from eventing.api.delivery_types import DeliverySpec
from tanebi.api.durations import parse_iso

# What a delivery may take when nobody says: the time of Knative's Kafka dispatcher.
TIMEOUT_DEFAULT_S: Final = 600.0
# No wait is longer, whatever 2^k says: a retry that is due in a year is a lost event.
BACKOFF_MAX_S: Final = 3600.0

_RETRIED: Final = frozenset((404, 408, 409, 429))
_HEEDED: Final = frozenset((429, 503))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`retries` attempts after the first. `retry_after_max_s` None: Retry-After is ignored."""

    retries: int = 0
    policy: str = ""
    delay_s: float = 0.0
    timeout_s: float = TIMEOUT_DEFAULT_S
    retry_after_max_s: float | None = None


def policy_of(spec: DeliverySpec | None) -> RetryPolicy:
    """The policy a delivery spec states. Unreadable spans, which admission refuses, count as unset."""
    if spec is None:
        return RetryPolicy()
    backs_off = bool(spec.backoff_policy and spec.backoff_delay)
    return RetryPolicy(
        retries=max(spec.retry or 0, 0),
        policy=spec.backoff_policy or "" if backs_off else "",
        delay_s=_seconds(spec.backoff_delay) or 0.0 if backs_off else 0.0,
        timeout_s=_seconds(spec.timeout) or TIMEOUT_DEFAULT_S,
        retry_after_max_s=_seconds(spec.retry_after_max),
    )


def retriable(status: int | None) -> bool:
    """`status` None: there was no answer."""
    return status is None or status >= 500 or status in _RETRIED


def backoff_s(policy: RetryPolicy, retry: int) -> float:
    """The wait before the `retry`-th retry, counted from 0."""
    if policy.policy == "linear":
        wait = policy.delay_s * retry
    elif policy.policy == "exponential":
        wait = policy.delay_s * 2.0 ** min(retry, 64)
    else:
        wait = 0.0
    return min(wait, BACKOFF_MAX_S)


def wait_s(
    policy: RetryPolicy, retry: int, *, status: int | None, retry_after: str, wall: datetime
) -> float:
    """The wait before the `retry`-th retry after an answer of `status` with that Retry-After header ("": none)."""
    wait = backoff_s(policy, retry)
    if policy.retry_after_max_s is None or status not in _HEEDED:
        return wait
    asked = retry_after_s(retry_after, wall)
    return wait if asked is None else max(wait, min(asked, policy.retry_after_max_s))


def retry_after_s(text: str, wall: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None when it says nothing readable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - wall).total_seconds(), 0.0)


def _seconds(span: str | None) -> float | None:
    if span is None:
        return None
    try:
        return parse_iso(span)
    except ValueError:
        return None
