"""Percentiles by nearest rank, and the largest of each span."""

from __future__ import annotations

from array import array

import pytest

from tanebi.simulate.result import Result, most


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 5), (51, 6), (90, 9), (99, 10), (100, 10)]
)
def test_the_nearest_rank(percent: float, expected: float) -> None:
    result = Result("r", latencies=array("d", range(1, 11)))
    assert result.latency(percent) == expected


def test_no_answers_have_no_latency() -> None:
    assert Result("r").latency(50) is None


@pytest.mark.parametrize(
    ("values", "columns", "expected"),
    [
        ([], 3, []),
        ([4], 3, [4]),
        ([1, 2, 3], 3, [1, 2, 3]),
        ([1, 5, 2, 0, 7, 3], 3, [5, 2, 7]),
        ([1, 2, 3, 4, 5], 2, [2, 5]),
    ],
)
def test_the_largest_of_each_span(values: list[int], columns: int, expected: list[int]) -> None:
    assert most(array("q", values), columns) == expected
