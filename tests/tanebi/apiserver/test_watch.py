"""Watches: what a selector makes of changes, bookmarks, the end."""

from __future__ import annotations

from typing import Any

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change, Entry
from tanebi.apiserver.options import list_options
from tanebi.apiserver.views import View
from tanebi.apiserver.watch import Scope, WatchStream
from tanebi.kube.transport import Request
from tests.tanebi.apiserver.calling import WIDGET, WIDGETS, Api, widget

pytestmark = pytest.mark.anyio


def entry(rv: int, colour: str | None, namespace: str = "ns") -> Entry:
    labels = {"colour": colour} if colour else {}
    meta = {"name": "a", "namespace": namespace, "labels": labels, "resourceVersion": str(rv)}
    return Entry.of({"metadata": meta}, rv)


def change(kind: Any, before: str | None, after: str | None) -> Change:
    old = None if kind == "ADDED" else entry(1, before)
    return Change(kind, "r", Key("ns", "a"), entry(2, after), old)


RED = Scope("ns", list_options({"labelSelector": "colour=red"}))


@pytest.mark.parametrize(
    ("type_", "before", "after", "told"),
    [
        ("ADDED", None, "red", "ADDED"),
        ("ADDED", None, "blue", None),
        ("MODIFIED", "red", "red", "MODIFIED"),
        ("MODIFIED", "red", "blue", "DELETED"),
        ("MODIFIED", "blue", "red", "ADDED"),
        ("MODIFIED", "blue", None, None),
        ("DELETED", "red", "red", "DELETED"),
        ("DELETED", "blue", "blue", None),
    ],
)
def test_a_change_as_a_selector_sees_it(
    type_: str, before: str | None, after: str | None, told: str | None
) -> None:
    assert RED.told(change(type_, before, after), WIDGET) == told
    assert Scope(None, list_options({})).told(change(type_, before, after), WIDGET) == type_
    assert Scope("other", list_options({})).told(change(type_, before, after), WIDGET) is None


@given(st.lists(st.sampled_from(["red", "blue", None]), max_size=12))
def test_following_a_selected_watch_gives_the_selected_list(colours: list[str | None]) -> None:
    """None deletes. Whoever applies the events has exactly what a list would give."""
    have: Entry | None = None
    seen: Obj | None = None
    for rv, colour in enumerate(colours, start=1):
        if colour is None and have is None:
            continue
        if colour is None:
            assert have is not None
            told = Change("DELETED", "r", Key("ns", "a"), Entry(have.obj, rv, b""), have)
            have = None
        else:
            new = entry(rv, colour)
            told = Change("MODIFIED" if have else "ADDED", "r", Key("ns", "a"), new, have)
            have = new
        match RED.told(told, WIDGET):
            case "ADDED":
                assert seen is None
                seen = told.entry.obj
            case "MODIFIED":
                assert seen is not None
                seen = told.entry.obj
            case "DELETED":
                assert seen is not None
                seen = None
    assert seen == (have.obj if have and RED.holds(have.obj) else None)


def stream(api: Api, *, every_s: float = 0.01, **query: str) -> WatchStream:
    return WatchStream(
        api.store,
        api.store.watch(WIDGET.resource, api.store.revision),
        Scope("default", list_options({"watch": "true", **query})),
        View(WIDGET, "object", api.clock.wall()),
        clock=api.clock,
        begun=api.store.revision,
        conversions=api.server.objects.conversions,
        bookmark_every_s=every_s,
    )


async def test_an_idle_watch_is_told_how_far_it_has_come(api: Api) -> None:
    lines = stream(api, allowWatchBookmarks="true")
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
    with anyio.fail_after(5):
        line = orjson.loads(await anext(lines))
    assert (line["type"], line["object"]["kind"]) == ("BOOKMARK", "Widget")
    assert line["object"]["metadata"]["resourceVersion"] == str(api.store.revision)
    await lines.aclose()


async def test_a_watch_ends_after_its_time(api: Api) -> None:
    lines = stream(api, timeoutSeconds="5")
    api.clock.advance(6)
    with pytest.raises(StopAsyncIteration):
        await anext(lines)
    assert api.store.watcher_count == 0


async def test_one_that_falls_behind_gets_410(api: Api) -> None:
    api.store.fanout.queue_max = 1
    lines = stream(api, every_s=5)
    for name in "abc":
        await api.widget(name)
    told = [orjson.loads(line) for chunk in [c async for c in lines] for line in chunk.splitlines()]
    assert [line["type"] for line in told] == ["ADDED", "ERROR"]
    assert told[1]["object"]["code"] == 410
    assert told[1]["object"]["reason"] == "Expired"


async def test_the_end_of_the_store_ends_the_watch(api: Api) -> None:
    lines = stream(api, every_s=5)
    async with anyio.create_task_group() as group:
        group.start_soon(_drain, lines)
        await anyio.sleep(0.01)
        for watcher in api.store.fanout.of():
            watcher.close()


async def _drain(lines: WatchStream) -> None:
    with anyio.fail_after(5):
        assert [chunk async for chunk in lines] == []


async def test_tables_are_watched_with_ages_as_of_now(api: Api) -> None:
    await api.ok("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "a"}})
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    answer: Any = await api.server.handle(
        _table_watch("/api/v1/namespaces/default/configmaps", accept), api.user
    )
    first = orjson.loads(await anext(answer.chunks))
    assert first["object"]["kind"] == "Table"
    assert first["object"]["rows"][0]["cells"][-1] == "0s"
    api.clock.advance(60)
    await api.ok("DELETE", "/api/v1/namespaces/default/configmaps/a")
    second = orjson.loads(await anext(answer.chunks))
    assert (second["type"], second["object"]["rows"][0]["cells"][-1]) == ("DELETED", "60s")
    await answer.chunks.aclose()


def _table_watch(path: str, accept: dict[str, str]) -> Any:
    return Request("GET", path, {"watch": "true"}, accept)


async def test_watching_by_label_through_the_door(api: Api) -> None:
    await api.ok("POST", WIDGETS, widget("a", labels={"x": "1"}))
    headers = {"content-type": "application/merge-patch+json"}
    revision = str(api.store.revision)
    patch = {"metadata": {"labels": {"x": "2"}}}
    await api.ok("PATCH", f"{WIDGETS}/a", patch, headers=headers)
    events = await api.events(WIDGETS, 1, resourceVersion=revision, labelSelector="x=1")
    assert [(t, o["metadata"]["labels"]) for t, o in events] == [("DELETED", {"x": "1"})]
