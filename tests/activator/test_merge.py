from __future__ import annotations

from typing import Any

from activator.merge import Merge
from autoscaler.api.stat import Stat
from tanebi.api.meta import Key

R = Key("ns", "r")


def test_a_zero_beside_a_load_is_not_passed_on(sink: Any) -> None:
    merge = Merge(sink)
    a, b = merge.source("a"), merge.source("b")
    a.report([Stat(R, 1, 1)], 10.0)
    b.report([Stat(R, 0, 0)], 10.5)
    assert sink.reports == [Stat(R, 1, 1)]
    a.report([Stat(R, 0, 0)], 11.0)
    assert sink.reports[-1] == Stat(R, 0, 0)


def test_who_fell_silent_does_not_keep_a_revision_awake(sink: Any) -> None:
    merge = Merge(sink)
    merge.source("a").report([Stat(R, 1, 1)], 10.0)
    merge.source("b").report([Stat(R, 0, 0)], 12.6)
    assert sink.reports[-1] == Stat(R, 0, 0)


def test_nor_does_who_is_gone(sink: Any) -> None:
    merge = Merge(sink)
    merge.source("a").report([Stat(R, 1, 1)], 10.0)
    merge.forget("a")
    merge.source("b").report([Stat(R, 0, 0)], 10.1)
    assert sink.reports[-1] == Stat(R, 0, 0)


def test_pokes_pass(sink: Any) -> None:
    Merge(sink).source("a").poke(R, 1.0)
    assert sink.pokes == [R]
