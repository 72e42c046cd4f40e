from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.meta import Key, Obj
from tanebi.api.selectors import parse as parse_selector
from tanebi.kube.index import Change, Index
from tanebi.kube.watch import Added, Bookmark, Deleted, Modified


def cm(name: str, rv: int | str, *, ns: str = "d", owner: str = "", **data: str) -> Obj:
    meta: dict[str, Any] = {"name": name, "namespace": ns, "resourceVersion": str(rv)}
    if owner:
        meta["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "X", "name": "o", "uid": owner, "controller": True}
        ]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def index(*objs: Obj, at: str = "10") -> Index[Any]:
    made = Index(CONFIG_MAP)
    made.replace(objs, at)
    return made


def test_events_change_it() -> None:
    kept = index()
    a, b = cm("a", 11), cm("a", 12, x="y")
    assert kept.apply(Added(a)) == Change(None, a)
    assert kept.apply(Modified(b)) == Change(a, b)
    last = cm("a", 13, x="z")
    assert kept.apply(Deleted(last)) == Change(last, None)
    assert len(kept) == 0


def test_old_news_is_no_news() -> None:
    kept = index()
    a, b = cm("a", 11), cm("a", 12)
    kept.apply(Added(a))
    kept.apply(Modified(b))
    assert kept.apply(Added(a)) is None
    assert kept.apply(Modified(b)) is None
    kept.apply(Deleted(cm("a", 13)))
    assert kept.apply(Modified(b)) is None, "a late line brought a deleted object back"
    assert kept.get(Key("d", "a")) is None
    assert kept.apply(Deleted(cm("a", 14))) is None


def test_a_relist_tells_the_difference() -> None:
    same, old, gone = cm("same", 1), cm("old", 2), cm("gone", 3)
    kept = index(same, old, gone)
    fresh, new = cm("old", 12), cm("new", 13)
    changes = kept.replace([same, fresh, new], "14")
    assert changes == [Change(old, fresh), Change(None, new), Change(gone, None)]


def test_own_writes_are_seen_at_once_and_told_once() -> None:
    kept = index()
    written = cm("a", 11)
    assert kept.observe(written) == Change(None, written)
    assert kept.observe(written) is None
    assert kept.apply(Added(written)) is None


def test_the_answer_to_a_write_that_is_history_already_is_ignored() -> None:
    kept = index()
    kept.apply(Added(cm("a", 11)))
    kept.apply(Deleted(cm("a", 12)))
    assert kept.observe(cm("a", 11)) is None


def test_what_was_written_after_the_list_survives_it() -> None:
    kept = index()
    kept.observe(cm("a", 20))
    assert kept.replace([], "15") == []
    assert kept.get(Key("d", "a")) is not None
    assert kept.replace([], "25") != []


def test_a_bookmark_moves_the_mark_only() -> None:
    kept = index()
    assert kept.apply(Bookmark("30")) is None
    assert kept.apply(Added(cm("a", 29))) is None


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    kept = index(at="abc")
    kept.apply(Added(cm("a", "x1")))
    assert kept.apply(Modified(cm("a", "x1"))) is None
    assert kept.apply(Modified(cm("a", "x0"))) is not None
    assert kept.observe(cm("a", "x2")) is None


def test_it_finds_by_namespace_and_owner() -> None:
    kept = index(cm("b", 1, ns="n"), cm("a", 2, ns="n", owner="u"), cm("c", 3, ns="m", owner="u"))
    assert kept.keys("n") == [Key("n", "a"), Key("n", "b")]
    assert kept.keys(None) == [Key("m", "c"), Key("n", "a"), Key("n", "b")]
    assert kept.keys("none") == []
    assert [o["metadata"]["name"] for o in kept.owned("u")] == ["c", "a"]
    kept.apply(Modified(cm("a", 11, ns="n")))
    assert [o["metadata"]["name"] for o in kept.owned("u")] == ["c"]
    kept.apply(Deleted(cm("c", 12, ns="m")))
    assert kept.owned("u") == []


def labelled(name: str, rv: int, *, ns: str = "d", **labels: str) -> Obj:
    obj = cm(name, rv, ns=ns)
    obj["metadata"]["labels"] = labels
    return obj


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ["a", "b", "c", "d"]),
        ("x=1", ["a", "b"]),
        ("x=1,y=2", ["b"]),
        ("x in (1,3)", ["a", "b", "c"]),
        ("x!=1", ["c", "d"]),
        ("!x", ["d"]),
        ("x=9", []),
    ],
)
def test_it_selects_by_labels(selector: str, names: list[str]) -> None:
    kept = index(
        labelled("b", 1, x="1", y="2"), labelled("a", 2, x="1"), labelled("c", 3, x="3"), cm("d", 4)
    )
    assert [key.name for key in kept.selected("d", parse_selector(selector))] == names
    assert [key.name for key in kept.selected(None, parse_selector(selector))] == names
    assert kept.selected("other", parse_selector(selector)) == []


def test_labels_that_change_are_followed() -> None:
    kept = index(labelled("a", 1, x="1"))
    one, two = parse_selector("x=1"), parse_selector("x=2")
    kept.apply(Modified(labelled("a", 11, x="2")))
    assert kept.selected(None, one) == []
    assert kept.selected(None, two) == [Key("d", "a")]
    kept.apply(Deleted(labelled("a", 12, x="2")))
    assert kept.selected(None, two) == []


def test_a_view_is_made_once_a_version() -> None:
    kept = index(cm("a", 1, x="y"))
    key = Key("d", "a")
    first = kept.view(key)
    assert first is not None
    assert first.data == {"x": "y"}
    assert kept.view(key) is first
    kept.apply(Modified(cm("a", 11, x="z")))
    assert kept.view(key).data == {"x": "z"}
    assert kept.view(Key("d", "none")) is None


def test_a_view_of_nonsense_raises() -> None:
    bad = cm("a", 1)
    bad["data"] = ["no", "map"]
    with pytest.raises(ValidationError):
        index(bad).view(Key("d", "a"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20), st.data())
def test_duplicates_and_observed_writes_change_nothing_in_the_end(
    history: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """Any history, told with repetitions and with our own writes seen early, ends in the same content."""
    events: list[Added | Modified | Deleted] = []
    there: dict[str, Obj] = {}
    for rv, (name, delete) in enumerate(history, start=11):
        obj = cm(name, rv)
        if delete and name in there:
            events.append(Deleted(obj))
            del there[name]
        else:
            events.append(Modified(obj) if name in there else Added(obj))
            there[name] = obj
    kept = index()
    for place, event in enumerate(events):
        if not isinstance(event, Deleted) and data.draw(st.booleans()):
            kept.observe(event.obj)
        kept.apply(event)
        kept.apply(events[data.draw(st.integers(0, place))])
    assert {k.name: kept.get(k) for k in kept.keys(None)} == there


LABELS = st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("mn"), st.none() | LABELS), max_size=15
    ),
    st.sampled_from(["", "x=1", "x=1,y=2", "x!=1", "x in (1,2)", "!y"]),
    st.sampled_from([None, "m", "n"]),
)
def test_selecting_is_looking_at_everything(
    history: list[tuple[str, str, dict[str, str] | None]], text: str, namespace: str | None
) -> None:
    kept, there = index(), {}
    for rv, (name, ns, labels) in enumerate(history, start=11):
        obj = labelled(name, rv, ns=ns, **(labels or {}))
        kept.apply(Deleted(obj) if labels is None else Modified(obj))
        there[Key(ns, name)] = labels
    selector = parse_selector(text)
    assert kept.selected(namespace, selector) == sorted(
        key
        for key, labels in there.items()
        if labels is not None and namespace in (None, key.namespace) and selector.matches(labels)
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("mn"), st.none() | LABELS), max_size=15
    ),
    LABELS,
)
def test_who_selects_some_labels_is_found_without_looking_at_everything(
    history: list[tuple[str, str, dict[str, str] | None]], labels: dict[str, str]
) -> None:
    kept, there = index(), {}
    for rv, (name, ns, wish) in enumerate(history, start=11):
        obj = {**cm(name, rv, ns=ns), "spec": {"selector": wish}}
        kept.apply(Deleted(obj) if wish is None else Modified(obj))
        there[Key(ns, name)] = wish
    assert kept.selecting("m", labels) == sorted(
        key
        for key, wish in there.items()
        if wish and key.namespace == "m" and wish.items() <= labels.items()
    )
