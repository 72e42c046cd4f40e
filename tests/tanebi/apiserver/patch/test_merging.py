from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch.merging import merge_map
from tanebi.apiserver.patch.schema import BUILTIN

NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def merged(live: str, wanted: str) -> str:
    def obj(names: str) -> dict[str, Any]:
        return {"containers": [{"name": name} for name in names]}

    found = merge_map(obj(live), obj(wanted), BUILTIN, ())
    return "".join(item["name"] for item in found["containers"])


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        ("abc", "ca", "bca"),
        ("abc", "xb", "axbc"),
        ("abc", "bx", "abcx"),
        ("", "ab", "ab"),
        ("ab", "", "ab"),
        ("ab", "ba", "ba"),
        ("axb", "ba", "xba"),
    ],
)
def test_places(live: str, wanted: str, expected: str) -> None:
    assert merged(live, wanted) == expected


@given(NAMES, NAMES)
def test_all_of_both_are_there_and_what_is_wanted_has_its_order(
    live: list[str], wanted: list[str]
) -> None:
    found = merged("".join(live), "".join(wanted))
    assert sorted(found) == sorted({*live, *wanted})
    assert [name for name in found if name in wanted] == wanted
    rest = [name for name in live if name not in wanted]
    assert [name for name in found if name in rest] == rest


def test_items_are_merged_and_single_values_taken() -> None:
    live = {
        "containers": [{"name": "a", "image": "1", "args": ["x"]}],
        "spec": {"selector": {"a": "1"}},
    }
    wanted = {"containers": [{"name": "a", "image": "2"}], "spec": {"selector": {"b": "1"}}}
    assert merge_map(live, wanted, BUILTIN, ()) == {
        "containers": [{"name": "a", "image": "2", "args": ["x"]}],
        "spec": {"selector": {"b": "1"}},
    }
