"""The rule as tables: what Knative's tests of assignSlice and pickIndices ask for, and what we promise beyond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator.subset import assign_slice, owners, pick_indices
from tanebi.api.meta import Key

REVISION = Key("ns", "r")


@pytest.mark.parametrize(
    ("pods", "own", "activators", "expected"),
    [
        (1, 0, 1, (0, 1, 0)),
        (10, 0, 1, (0, 10, 0)),
        (2, 1, 2, (1, 2, 0)),
        (3, 0, 2, (0, 1, 1)),
        (3, 1, 2, (1, 2, 1)),
        (11, 2, 3, (6, 9, 2)),
        (10, 4, 5, (8, 10, 0)),
        # more activators than pods: in turn
        (3, 3, 5, (0, 1, 0)),
        (3, 4, 5, (1, 2, 0)),
        (1, 7, 9, (0, 1, 0)),
    ],
)
def test_the_indices(pods: int, own: int, activators: int, expected: tuple[int, int, int]) -> None:
    assert pick_indices(pods, own, activators) == expected


@pytest.mark.parametrize(
    ("pods", "own", "activators", "expected"),
    [
        ("", 1, 1, ""),
        ("abc", -1, 1, "abc"),  # no index yet
        ("abc", 0, 1, "abc"),
        ("abcde", 0, 5, "a"),
        ("abcde", 4, 5, "e"),
        ("abcde", 0, 2, "abe"),  # the one left over goes to the first
        ("abcde", 1, 2, "cd"),
        ("abcdefgh", 0, 3, "abg"),
        ("abcdefgh", 1, 3, "cdh"),
        ("abcdefgh", 2, 3, "ef"),
        ("ab", 2, 3, "a"),
    ],
)
def test_the_slices(pods: str, own: int, activators: int, expected: str) -> None:
    assert "".join(assign_slice(pods, own, activators)) == expected


@given(pods=st.integers(0, 40), count=st.integers(1, 9))
def test_every_pod_has_one_owner_and_the_shares_are_even(pods: int, count: int) -> None:
    members = [f"m{n}" for n in range(count)]
    found = owners(REVISION, list(range(pods)), members)
    assert sorted(found) == list(range(pods))
    sizes = [list(found.values()).count(member) for member in members]
    assert max(sizes) - min(sizes) <= 1


def test_nobody_owns_what_nobody_is_there_to_own() -> None:
    assert owners(REVISION, ["a"], []) == {}


def test_single_pods_of_many_revisions_are_spread() -> None:
    members = ["a", "b", "c"]
    taken = {owners(Key("ns", f"r{n}"), ["pod"], members)["pod"] for n in range(50)}
    assert taken == set(members)
