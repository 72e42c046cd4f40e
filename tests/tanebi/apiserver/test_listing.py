"""Moments and pages of lists."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import Key
from tanebi.apiserver.history import Entry
from tanebi.apiserver.listing import (
    PRESENT,
    check_list,
    check_watch,
    key_of,
    list_page,
    read_token,
    token,
)
from tanebi.apiserver.options import ListOptions, list_options
from tanebi.apiserver.store import Store
from tanebi.kube.errors import BadRequest, Expired, InvalidObject, ServerTimeout

V: Final = "resourceVersion"
M: Final = "resourceVersionMatch"
INITIAL: Final = "sendInitialEvents"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({}, None),
        ({V: "5"}, None),
        ({V: "5", M: "Exact"}, None),
        ({V: "0", M: "NotOlderThan", "limit": "2"}, None),
        ({M: "Exact"}, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ({V: "0", M: "Exact"}, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
        ({V: "1", M: "Roughly"}, 'Unsupported value: "Roughly"'),
        (
            {V: "1", M: "Exact", "continue": "x"},
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        (
            {V: "1", "continue": "x"},
            "specifying resource version is not allowed when using continue",
        ),
        ({INITIAL: "true"}, "sendInitialEvents is forbidden for list"),
    ],
)
def test_options_of_lists(query: dict[str, str], error: str | None) -> None:
    if error is None:
        check_list(list_options(query))
        return
    with pytest.raises((InvalidObject, BadRequest), match=error.replace('"', ".")):
        check_list(list_options(query))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({V: "5"}, None),
        ({INITIAL: "true", M: "NotOlderThan"}, None),
        ({INITIAL: "false", M: "NotOlderThan", V: "3"}, None),
        ({INITIAL: "true"}, "requires setting resourceVersionMatch to NotOlderThan"),
        ({M: "NotOlderThan", V: "3"}, "forbidden for watch unless sendInitialEvents is provided"),
    ],
)
def test_options_of_watches(query: dict[str, str], error: str | None) -> None:
    if error is None:
        check_watch(list_options(query))
        return
    with pytest.raises(InvalidObject, match=error):
        check_watch(list_options(query))


class OfThePast:
    """Every moment, written down."""

    def __init__(self) -> None:
        self.revision = 0
        self.moments: dict[int, list[Entry]] = {0: []}

    def list_at(self, resource: str, namespace: str | None, rv: int) -> list[Entry] | None:
        return self.moments.get(rv)


def entry(name: str, rv: int) -> Entry:
    return Entry.of({"metadata": {"name": name, "resourceVersion": str(rv)}}, rv)


def past() -> OfThePast:
    found = OfThePast()
    for rv in (3, 4, 5):
        found.moments[rv] = [entry(name, rv) for name in "abcdef"[:rv]]
    found.revision = 5
    return found


def page(given: OfThePast, **query: str) -> tuple[str, dict[str, Any]]:
    listed = list_page(given, "r", None, list_options(query), None)
    return "".join(key_of(e).name for e in listed.entries), listed.meta


def test_which_moment() -> None:
    assert page(past())[0] == "abcde"
    assert page(past(), resourceVersion="0")[0] == "abcde"
    assert page(past(), resourceVersion="3")[0] == "abcde"  # not older than
    assert page(past(), **{V: "3", M: "NotOlderThan", "limit": "9"})[0] == "abcde"
    assert page(past(), **{V: "3", M: "Exact"}) == ("abc", {V: "3"})
    assert page(past(), **{V: "3", "limit": "9"})[0] == "abc"  # the legacy rule
    with pytest.raises(ServerTimeout, match="Too large resource version: 6, current: 5"):
        page(past(), resourceVersion="6")
    with pytest.raises(Expired, match="too old"):
        page(past(), **{V: "2", M: "Exact"})


def test_pages_are_of_one_moment_and_go_on_from_the_present_when_it_is_gone() -> None:
    history = past()
    names, meta = page(history, limit="2")
    assert (names, meta["remainingItemCount"]) == ("ab", 3)
    history.moments[6] = [entry(name, 6) for name in "abxyz"]
    history.revision = 6
    names, rest = page(history, **{"limit": "2", "continue": meta["continue"]})
    assert (names, rest[V], rest["remainingItemCount"]) == ("cd", "5", 1)
    del history.moments[5]
    with pytest.raises(Expired, match="too old to display a consistent list") as gone:
        page(history, **{"continue": rest["continue"]})
    names, last = page(history, **{"continue": gone.value.to_status()["metadata"]["continue"]})
    assert (names, last) == ("xyz", {V: "6"})


def test_a_filtered_page_does_not_count_the_rest() -> None:
    wanted = ListOptions(limit=1)
    listed = list_page(past(), "r", None, wanted, lambda e: key_of(e).name in "ace")
    assert "continue" in listed.meta
    assert "remainingItemCount" not in listed.meta


def test_tokens() -> None:
    assert read_token(token(PRESENT, Key("ns", "a"))) == (PRESENT, Key("ns", "a"))
    for bad in ("nonsense", "W10=", token(1, Key("a", "b"))[:-4]):
        with pytest.raises(BadRequest, match="continue key is not valid"):
            read_token(bad)


STEP = st.tuples(st.sampled_from("abcde"), st.sampled_from(["put", "remove"]))


@given(st.lists(STEP, max_size=20), st.integers(1, 3), st.lists(STEP, max_size=10))
def test_the_store_remembers_every_moment(
    before: list[tuple[str, str]], limit: int, between: list[tuple[str, str]]
) -> None:
    """Pages taken one by one while the store changes are together the list of the first page's moment."""
    asyncio.run(_pages(before, limit, between))


async def _pages(before: list[tuple[str, str]], limit: int, between: list[tuple[str, str]]) -> None:
    store = Store.open(Path(":memory:"))
    try:
        for step in before:
            await _do(store, step)
        whole = [(key_of(e).name, e.rv) for e in store.list("r", "ns")]
        moment, found, query, steps = store.revision, [], {"limit": str(limit)}, list(between)
        while True:
            listed = list_page(store, "r", "ns", list_options(query), None)
            found += [(key_of(e).name, e.rv) for e in listed.entries]
            assert listed.meta[V] == str(moment)
            if "continue" not in listed.meta:
                break
            query["continue"] = listed.meta["continue"]
            if steps:
                await _do(store, steps.pop())
        assert found == whole
    finally:
        store.close()


async def _do(store: Store, step: tuple[str, str]) -> None:
    key = Key("ns", step[0])
    have = store.newest("r", key)
    if step[1] == "put":
        obj: dict[str, Any] = {"metadata": {"name": key.name, "namespace": key.namespace}}
        await store.put("r", key, obj, over=have)
    elif have is not None:
        await store.remove("r", key, over=have)
