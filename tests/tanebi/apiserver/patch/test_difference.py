from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch.difference import differ
from tanebi.apiserver.patch.fieldset import INNER, ITEM, UNTRACKED, nodes_below, show
from tanebi.apiserver.patch.schema import BUILTIN, CUSTOM

ITEMS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from("xy"),
            "image": st.sampled_from("ij"),
            "args": st.just(["a"]),
        },
    ),
    max_size=3,
)
VALUES = st.recursive(
    st.none() | st.integers(0, 2) | st.text("ab", max_size=1),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=5,
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from("kl"),
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from("nm"),
                "resourceVersion": st.sampled_from("12"),
                "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2),
                "finalizers": st.lists(st.sampled_from("fg"), unique=True, max_size=2),
            },
        ),
        "spec": st.fixed_dictionaries(
            {}, optional={"containers": ITEMS, "selector": VALUES, "any": VALUES}
        ),
        "status": VALUES,
    },
)


def places(obj: Any, schema: Any) -> dict[Any, Any]:
    """Every field, and every map and list that holds some."""
    found: dict[Any, Any] = {}
    for name, value in obj.items():
        if name == "metadata":
            tracked = {k: v for k, v in value.items() if ("f:metadata", f"f:{k}") not in UNTRACKED}
            below = nodes_below(tracked, schema, (name,), (f"f:{name}",))
            found |= {field: v for field, v in below.items() if len(field) > 1}
        elif (f"f:{name}",) not in UNTRACKED:
            found |= nodes_below(value, schema, (name,), (f"f:{name}",))
    return found


@given(OBJECTS, OBJECTS, st.sampled_from([BUILTIN, CUSTOM]))
def test_it_finds_what_comparing_every_field_finds(old: Any, new: Any, schema: Any) -> None:
    before, after = places(old, schema), places(new, schema)
    found = differ(old, new, schema)
    assert found.added == after.keys() - before.keys()
    assert found.removed == before.keys() - after.keys()
    assert found.empty == {f for f in found.added if after[f] in ({}, [])}
    values = (ITEM, INNER, {}, [])
    assert found.changed >= {
        f
        for f in after.keys() & before.keys()
        if after[f] not in values and before[f] not in values and after[f] != before[f]
    }
    assert all(before[f] != after[f] for f in found.changed)


@given(OBJECTS)
def test_nothing_differs_from_itself(obj: Any) -> None:
    assert not differ(obj, obj, BUILTIN)


def test_a_status_write_by_field() -> None:
    old = {"spec": {"a": 1}, "status": {"phase": "Pending", "gone": 1}}
    new = {"spec": {"a": 1}, "status": {"phase": "Running", "new": 1, "list": []}}
    found = differ(old, new, BUILTIN)
    assert {show(f) for f in found.added} == {".status.new", ".status.list"}
    assert {show(f) for f in found.changed} == {".status.phase"}
    assert {show(f) for f in found.removed} == {".status.gone"}
    assert {show(f) for f in found.empty} == {".status.list"}


def test_the_order_of_keyed_items_is_nobodys() -> None:
    one, other = {"name": "x"}, {"name": "y"}
    old, new = {"spec": {"containers": [one, other]}}, {"spec": {"containers": [other, one]}}
    assert not differ(old, new, BUILTIN)
    assert differ(old, new, CUSTOM)
