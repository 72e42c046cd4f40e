"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing.api.delivery_types import DeliverySpec
from eventing.retry import (
    BACKOFF_MAX_S,
    TIMEOUT_DEFAULT_S,
    RetryPolicy,
    backoff_s,
    policy_of,
    retriable,
    retry_after_s,
    wait_s,
)

WALL = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [None, 404, 408, 409, 429, 500, 502, 503, 504, 599])
def test_retried(status: int | None) -> None:
    assert retriable(status)


@pytest.mark.parametrize("status", [100, 301, 302, 400, 401, 403, 405, 410, 422, 499])
def test_not_retried(status: int) -> None:
    assert not retriable(status)


def test_knatives_default_schedule() -> None:
    """10 retries, exponential, PT0.2S: 204.6 s in all."""
    policy = policy_of(DeliverySpec(retry=10, backoff_policy="exponential", backoff_delay="PT0.2S"))
    waits = [backoff_s(policy, retry) for retry in range(policy.retries)]
    assert waits[:4] == [0.2, 0.4, 0.8, 1.6]
    assert sum(waits) == pytest.approx(204.6)


def test_linear() -> None:
    policy = RetryPolicy(3, "linear", 2.0)
    assert [backoff_s(policy, retry) for retry in range(3)] == [0.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "spec",
    [
        DeliverySpec(retry=3, backoff_policy="linear"),
        DeliverySpec(retry=3, backoff_delay="PT5S"),
        DeliverySpec(retry=3),
    ],
)
def test_a_back_off_needs_policy_and_delay(spec: DeliverySpec) -> None:
    assert backoff_s(policy_of(spec), 2) == 0.0


def test_nothing_said() -> None:
    assert policy_of(None) == RetryPolicy(retries=0, timeout_s=TIMEOUT_DEFAULT_S)
    assert policy_of(DeliverySpec(timeout="PT1M", backoff_delay="nonsense")) == RetryPolicy(
        timeout_s=60.0
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, WALL) == seconds


@pytest.mark.parametrize(
    ("cap", "status", "header", "wait"),
    [
        (None, 503, "60", 1.0),
        (30.0, 503, "60", 30.0),
        (30.0, 429, "5", 5.0),
        (30.0, 429, "0", 1.0),
        (30.0, 500, "60", 1.0),
        (0.0, 503, "60", 1.0),
        (30.0, 503, "", 1.0),
    ],
)
def test_retry_after_counts_only_where_asked_for(
    cap: float | None, status: int, header: str, wait: float
) -> None:
    policy = RetryPolicy(3, "linear", 1.0, retry_after_max_s=cap)
    assert wait_s(policy, 1, status=status, retry_after=header, wall=WALL) == wait


@given(st.integers(0, 10_000), st.floats(0, 1e6), st.sampled_from(["linear", "exponential", ""]))
def test_waits_are_bounded_and_never_shrink(retry: int, delay: float, policy: str) -> None:
    said = RetryPolicy(10_000, policy, delay)
    assert 0 <= backoff_s(said, retry) <= backoff_s(said, retry + 1) <= BACKOFF_MAX_S
