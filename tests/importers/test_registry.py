from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from importers.ping import PingImporter
from importers.registry import GROUP, kinds_of, load
from tanebi.base.errors import UserError

PING = EntryPoint("ping", "importers.ping:PingImporter", GROUP)


def test_the_built_in_comes_through_the_door() -> None:
    found = {one.name: one for one in load()}
    assert found["ping"].importer is PingImporter
    assert found["ping"].distribution == "tanebi"
    assert found["ping"].version


def test_only_what_is_allowed_is_loaded() -> None:
    broken = EntryPoint("broken", "no.such:Thing", GROUP)
    assert [one.name for one in load("ping", [PING, broken])] == ["ping"]
    assert load("", [PING, broken]) == []


@pytest.mark.parametrize(
    ("points", "allowed", "says"),
    [
        ([PING], "pong", "TANEBI_IMPORTERS names 'pong'"),
        ([EntryPoint("x", "no.such:Thing", GROUP)], None, "x .* cannot be loaded"),
        ([EntryPoint("x", "importers.ping:Nothing", GROUP)], None, "x .* cannot be loaded"),
        ([EntryPoint("x", "importers.ping:sleep_until", GROUP)], None, "not a subclass"),
        ([PING, EntryPoint("ping", "other:Ping", GROUP)], None, "two importers are called ping"),
        ([PING, EntryPoint("pong", PING.value, GROUP)], None, "ping and pong both serve"),
    ],
)
def test_what_is_wrong_is_named(points: list[EntryPoint], allowed: str | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load(allowed, points)


def test_an_entry_point_listed_twice_counts_once() -> None:
    assert [one.name for one in load(None, [PING, PING])] == ["ping"]
    assert [kind.kind for kind in kinds_of(load(None, [PING]))] == ["PingSource"]
