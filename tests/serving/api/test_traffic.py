"""Traffic lists; the table of messages is with the Service and the Route."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serving.api.route_types import TrafficTarget
from serving.api.traffic import validate_traffic


@given(st.lists(st.integers(0, 100), max_size=5))
def test_shares_that_make_a_whole_are_good(shares: list[int]) -> None:
    targets = [TrafficTarget(revision_name="r", percent=share) for share in shares]
    assert (validate_traffic(targets, in_service=True) == []) is (sum(shares) == 100)


def test_a_share_that_is_not_given_is_none() -> None:
    targets = [TrafficTarget(percent=100), TrafficTarget(tag="t")]
    assert validate_traffic(targets, in_service=True) == []
