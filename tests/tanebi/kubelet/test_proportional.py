"""A Deployment that is scaled while it is updated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet.proportional import Part, shares


@pytest.mark.parametrize(
    ("old", "new", "wanted", "surge", "sizes"),
    [
        (8, 5, 30, 3, (20, 13)),
        (8, 5, 10, 3, (8, 5)),
        (20, 13, 10, 3, (8, 5)),
        (5, 5, 11, 0, (5, 6)),
        (3, 1, 0, 3, (0, 0)),
    ],
)
def test_sizes(old: int, new: int, wanted: int, surge: int, sizes: tuple[int, int]) -> None:
    parts = [Part("old", old, old + new, "1"), Part("new", new, old + new, "2")]
    found = shares(parts, wanted, surge)
    assert (found["old"], found["new"]) == sizes


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 60), st.integers(0, 9))
def test_what_is_allowed_is_used_and_no_more(counts: list[int], wanted: int, surge: int) -> None:
    parts = [Part(str(i), count, 0, str(i)) for i, count in enumerate(counts)]
    found = shares(parts, wanted, surge)
    assert all(size >= 0 for size in found.values())
    allowed, total = (wanted + surge if wanted else 0), sum(found.values())
    # Rounding can leave more to take away than the largest one has: the next pass takes the rest, as in Kubernetes.
    assert total == allowed or (total > allowed and 0 in found.values())
