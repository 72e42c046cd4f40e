from __future__ import annotations

import pytest

from autoscaler.activators import activators_wanted


@pytest.mark.parametrize(
    ("ready", "total", "burst", "expected"),
    [
        (0, 100, 0, 2),
        (1000, 100, 0, 2),  # burst 0: only at zero pods, so the least will do
        (0, 100, 211, 3),
        (1, 100, 211, 4),
        (1, 10, 0.5, 2),
        (10, 100, -1, 10),
        (1, 100, -1, 2),
        (3, 33.4, 0.1, 2),
    ],
)
def test_enough_for_the_pods_and_the_burst(
    ready: int, total: float, burst: float, expected: int
) -> None:
    assert activators_wanted(ready=ready, total=total, burst=burst, capacity=100) == expected
