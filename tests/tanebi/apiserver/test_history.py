"""The ring of changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import Key
from tanebi.apiserver.history import Change, Entry, History, watch_line


def change(rv: int, resource: str = "r", size: int = 0) -> Change:
    obj = {"metadata": {"name": "a", "resourceVersion": str(rv)}, "pad": "x" * size}
    return Change("ADDED", resource, Key("", "a"), Entry.of(obj, rv), None)


def test_only_one_resource_is_told_and_in_order() -> None:
    history = History(0)
    for rv, resource in ((1, "r"), (2, "s"), (3, "r")):
        history.append(change(rv, resource))
    assert [c.rv for c in history.since(0, "r") or []] == [1, 3]
    assert [c.rv for c in history.since(1, "r") or []] == [3]
    assert history.since(3, "r") == []


def test_bytes_bound_it_as_counts_do() -> None:
    history = History(0, bytes_max=3000)
    for rv in range(1, 5):
        history.append(change(rv, size=1000))
    assert (len(history), history.compacted) == (2, 2)
    assert history.since(1, "r") is None


@given(st.integers(1, 8), st.integers(0, 30), st.integers(0, 30))
def test_an_answer_is_complete_or_none(limit: int, count: int, asked: int) -> None:
    history = History(0, changes_max=limit)
    for rv in range(1, count + 1):
        history.append(change(rv))
    told = history.since(asked, "r")
    if asked < history.compacted:
        assert told is None
    else:
        assert [c.rv for c in told or []] == list(range(asked + 1, count + 1))
    assert len(history) <= limit


def test_a_retired_entry_still_tells_what_it_was() -> None:
    entry = change(3).entry
    before = entry.obj
    entry.retire()
    assert entry.obj == before
    assert entry.obj is not before


def test_a_line_is_one_json_object() -> None:
    told = change(7)
    assert told.line == watch_line("ADDED", told.entry.body)
    assert told.line.endswith(b"\n")
    assert told.entry.uid == ""
    assert repr(told.entry) == "Entry(None/a @7)"
