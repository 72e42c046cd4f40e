from __future__ import annotations

import pytest

from importers.retry import BACKOFF_MAX_S, RETRIES_MAX, delay_s, verdict


@pytest.mark.parametrize(
    ("status", "want"),
    [
        (200, "accepted"), (202, "accepted"), (204, "accepted"),
        (301, "refused"), (400, "refused"), (401, "refused"), (413, "refused"),
        (404, "again"), (408, "again"), (409, "again"), (429, "again"), (500, "again"), (503, "again"),
    ],
)  # fmt: skip
def test_the_table_of_the_data_plane(status: int, want: str) -> None:
    assert verdict(status) == want


def test_delays_grow_to_a_bound_and_end_within_a_minute() -> None:
    delays = [delay_s(n) for n in range(RETRIES_MAX)]
    assert delays == sorted(delays)
    assert delays[0] == 0.05
    assert delays[-1] == BACKOFF_MAX_S
    assert 20 < sum(delays) < 60
    assert delay_s(10**9) == BACKOFF_MAX_S
