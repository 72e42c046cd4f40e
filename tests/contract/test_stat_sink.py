"""Two ways to the autoscaler, one contract: a call in the same process, and a connection from another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from activator.merge import Merge
from autoscaler.api.stat import Stat, StatSink
from tanebi.api.meta import Key
from tanebi.testing.waiting import wait_until
from tests.activator.linked import linked

pytestmark = pytest.mark.anyio

R, S = Key("ns", "r"), Key("ns", "s")


@dataclass
class Heard:
    pokes: list[Key] = field(default_factory=list)
    reports: list[Stat] = field(default_factory=list)

    def report(self, stats: Sequence[Stat], now: float) -> None:
        self.reports += stats

    def poke(self, revision: Key, now: float) -> None:
        self.pokes.append(revision)


@asynccontextmanager
async def in_process(heard: Heard) -> AsyncIterator[StatSink]:
    yield Merge(heard).source("")


@asynccontextmanager
async def over_the_network(heard: Heard) -> AsyncIterator[StatSink]:
    async with linked(heard, "x") as home:
        yield home.children["x"].link


@pytest.fixture(params=[in_process, over_the_network], ids=["in process", "network"])
def way(request: pytest.FixtureRequest) -> object:
    return request.param


async def test_reports_arrive_whole_and_in_order(way: object) -> None:
    heard = Heard()
    async with way(heard) as sink:  # type: ignore[operator]
        for load in range(1, 4):
            sink.report([Stat(R, load / 3, load), Stat(S, 1e-6, 0)], 0.0)
        await wait_until(lambda: len(heard.reports) == 6)
        assert [s.concurrency for s in heard.reports if s.revision == R] == [1 / 3, 2 / 3, 1.0]


async def test_a_zero_is_passed_on_when_nobody_else_has_load(way: object) -> None:
    heard = Heard()
    async with way(heard) as sink:  # type: ignore[operator]
        sink.report([Stat(R, 1, 1)], 0.0)
        sink.report([Stat(R, 0, 0)], 0.0)
        await wait_until(lambda: Stat(R, 0, 0) in heard.reports)


async def test_a_poke_arrives_after_what_was_reported_before_it(way: object) -> None:
    heard = Heard()
    async with way(heard) as sink:  # type: ignore[operator]
        sink.report([Stat(R, 1, 1)], 0.0)
        sink.poke(S, 0.0)
        await wait_until(lambda: heard.pokes == [S])
        assert heard.reports == [Stat(R, 1, 1)]


async def test_a_report_of_nothing_is_allowed(way: object) -> None:
    heard = Heard()
    async with way(heard) as sink:  # type: ignore[operator]
        sink.report([], 0.0)
        sink.poke(R, 0.0)
        await wait_until(lambda: heard.pokes == [R])
        assert heard.reports == []
