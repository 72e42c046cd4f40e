"""How long events stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.apiserver.expiry import Expiry, expired
from tanebi.apiserver.history import Entry
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVENTS = "/api/v1/namespaces/default/events"


def event(name: str, **fields: Any) -> Entry:
    meta = {"name": name, "namespace": "ns", "creationTimestamp": "2026-01-01T10:00:00Z"}
    return Entry.of({"metadata": meta, **fields}, 1)


def names(keys: Any) -> list[str]:
    return [key.name for key in keys]


def test_an_hour_after_the_last_time_they_were_seen() -> None:
    events = [
        event("created"),
        event("seen", lastTimestamp="2026-01-01T11:30:00Z"),
        event("old", lastTimestamp="2026-01-01T10:59:59Z"),
        event("series", series={"lastObservedTime": "2026-01-01T11:59:00.000001Z"}),
        event("odd", lastTimestamp="whenever"),
    ]
    assert sorted(names(expired(events, NOW))) == ["created", "odd", "old"]


def test_the_longest_unseen_make_room() -> None:
    events = [event(f"e{i}", lastTimestamp=f"2026-01-01T11:5{i}:00Z") for i in (3, 1, 2)]
    assert names(expired(events, NOW, at_most=2)) == ["e1"]


async def test_they_are_deleted(api: Api) -> None:
    body = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}}
    await api.ok("POST", EVENTS, body)
    expiry = Expiry(api.server.objects)
    await expiry.sweep()
    assert len((await api.ok("GET", EVENTS))["items"]) == 1
    api.clock.advance(3601)
    await expiry.sweep()
    assert (await api.ok("GET", EVENTS))["items"] == []


async def test_a_broken_disk_does_not_end_it(api: Api) -> None:
    await api.ok("POST", EVENTS, {"metadata": {"name": "e"}})
    api.clock.advance(3601)
    api.store._disk.db.execute("PRAGMA query_only=ON")
    await Expiry(api.server.objects).sweep()
    assert len((await api.ok("GET", EVENTS))["items"]) == 1
