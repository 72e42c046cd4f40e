"""What the autoscaler is told, and when it stops being told."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from activator.backend import Backend, Hooks
from activator.facts import RevisionFacts
from activator.reporter import REPORT_S, Reporter, take_stats
from autoscaler.api.stat import Stat
from tanebi.api.meta import Key
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

KEY = Key("ns", "r")


def backend(**change: Any) -> Backend:
    hooks = Hooks(lambda key: None, lambda b, a: None, lambda address: None)
    return Backend(KEY, RevisionFacts(), chance=random.Random(1), hooks=hooks, **change)


def test_load_then_zero_once_then_nothing() -> None:
    made = backend()
    assert take_stats([made], 1.0) == []
    meter = made.arrive(1.0)
    meter.leave(1.5)
    assert take_stats([made], 2.0) == [Stat(KEY, 0.5, 1.0)]
    assert take_stats([made], 3.0) == [Stat(KEY, 0.0, 0.0)]
    assert take_stats([made], 4.0) == []
    assert made.meter is None


def test_one_long_request_is_reported_all_the_time() -> None:
    made = backend()
    made.arrive(1.0)
    for now in (2.0, 3.0, 4.0):
        assert take_stats([made], now)[0].concurrency == 1.0


def test_plain_services_are_not_reported_but_reset() -> None:
    made = backend(metered=False)
    made.arrive(1.0).leave(1.0)
    assert take_stats([made], 2.0) == []
    assert take_stats([made], 3.0) == []
    assert made.meter is None


@pytest.mark.anyio
async def test_the_shell_reports_each_period_and_pokes_at_once(sink: Any) -> None:
    clock, made = FakeClock(), backend()
    reporter = Reporter(lambda: [made], sink, clock)
    reporter.poke(KEY)
    assert sink.pokes == [KEY]
    async with anyio.create_task_group() as tasks:
        await tasks.start(reporter.run)
        await anyio.sleep(0.01)
        made.arrive(clock.now())
        clock.advance(REPORT_S)
        await wait_until(lambda: sink.reports)
        assert sink.reports == [Stat(KEY, 1.0, 1.0)]
        tasks.cancel_scope.cancel()
