"""What a client is told of where its time went."""

from __future__ import annotations

import pytest

from activator.times import Times, server_timing


def test_server_timing_counts_milliseconds() -> None:
    times = Times(route_s=0.00001, queue_s=0.5, wake_s=2, app_s=0.0304)
    assert (
        server_timing(times)
        == b"route;dur=0.010, queue;dur=500.000, wake;dur=2000.000, app;dur=30.400"
    )
    assert (times.waited_s, times.total_s) == (2.5, pytest.approx(2.53041))
