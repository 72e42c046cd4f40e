from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch.merge import diff, merge

# RFC 7396 appendix A, whole.
CASES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

LEAF = st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2)
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)
MAPS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
PATCHES = st.recursive(
    st.none() | LEAF | st.lists(LEAF, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("target", "patch", "wanted"), CASES)
def test_rfc_7396(target: Any, patch: Any, wanted: Any) -> None:
    before = repr((target, patch))
    assert merge(target, patch) == wanted
    assert repr((target, patch)) == before


@given(MAPS, MAPS)
def test_diff_leads_from_one_to_the_other(old: Any, new: Any) -> None:
    assert merge(old, diff(old, new)) == new


@given(MAPS)
def test_no_difference_is_an_empty_patch(obj: Any) -> None:
    assert diff(obj, obj) == {}
    assert merge(obj, {}) == obj


@given(JSON, PATCHES)
def test_twice_is_once(target: Any, patch: Any) -> None:
    once = merge(target, patch)
    assert merge(once, patch) == once
