"""Paths of printer columns."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.apiserver.jsonpath import find, first

OBJ = {
    "metadata": {"labels": {"a.b/c": "dotted"}, "name": "n"},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Other", "status": "False"},
            "odd",
        ],
        "url": "http://x",
    },
    "list": [1, 2, 3],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".metadata.name", ["n"]),
        ("{.metadata.name}", ["n"]),
        ("$.metadata.name", ["n"]),
        (".status.conditions[?(@.type=='Ready')].status", ["True"]),
        ('.status.conditions[?(@.type=="Other")].status', ["False"]),
        (".status.conditions[?(@.type!='Ready')].status", ["False"]),
        (".metadata.labels['a\\.b/c']", ["dotted"]),
        (".metadata.labels.a\\.b/c", ["dotted"]),
        (".list[0]", [1]),
        (".list[-1]", [3]),
        (".list[9]", []),
        (".list[*]", [1, 2, 3]),
        (".status.nothing.below", []),
        (".metadata.name[0]", []),
        (".list[?(@.type=='x')]", []),
        (".metadata.labels[*]", ["dotted"]),
        (".metadata.name[?(@.a=='b')]", []),
        (".metadata.name[*]", []),
        ("", [OBJ]),
    ],
)
def test_find(path: str, expected: list[Any]) -> None:
    assert find(path, OBJ) == expected


def test_first_is_none_when_nothing_is_there() -> None:
    assert first(".list", OBJ) == [1, 2, 3]
    assert first(".gone", OBJ) is None


@pytest.mark.parametrize("path", ["..name", ".a[", ".a[?(@.b>1)]", "name", ".a[b]"])
def test_what_is_outside_the_subset_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="unsupported JSONPath"):
        find(path, OBJ)
