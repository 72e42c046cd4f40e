from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch import jsonpatch
from tanebi.apiserver.patch.errors import BadPatch

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab/~", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def op(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **more}


# RFC 6902 appendix A, and what Kubernetes' users send.
CASES: list[tuple[str, Any, list[dict[str, Any]], Any]] = [
    ("add member", {"foo": "bar"}, [op("add", "/baz", value="qux")], {"baz": "qux", "foo": "bar"}),
    ("add item", {"f": ["a", "c"]}, [op("add", "/f/1", value="b")], {"f": ["a", "b", "c"]}),
    ("append", {"f": ["a"]}, [op("add", "/f/-", value=["b"])], {"f": ["a", ["b"]]}),
    ("append at length", {"f": ["a"]}, [op("add", "/f/1", value="b")], {"f": ["a", "b"]}),
    ("remove member", {"a": 1, "b": 2}, [op("remove", "/a")], {"b": 2}),
    ("remove item", {"f": ["a", "b", "c"]}, [op("remove", "/f/1")], {"f": ["a", "c"]}),
    ("replace", {"a": 1}, [op("replace", "/a", value=2)], {"a": 2}),
    ("replace all", {"a": 1}, [op("replace", "", value={"b": 1})], {"b": 1}),
    ("replace with null", {"a": 1}, [op("replace", "/a", value=None)], {"a": None}),
    (
        "move member",
        {"a": {"x": 1}, "b": {}},
        [{"op": "move", "from": "/a/x", "path": "/b/y"}],
        {"a": {}, "b": {"y": 1}},
    ),
    (
        "move item",
        {"f": [1, 2, 3]},
        [{"op": "move", "from": "/f/0", "path": "/f/2"}],
        {"f": [2, 3, 1]},
    ),
    ("move onto itself", {"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}),
    ("copy", {"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
    (
        "test",
        {"a": {"b": [1, 2.0]}},
        [op("test", "/a", value={"b": [1.0, 2]})],
        {"a": {"b": [1, 2.0]}},
    ),
    ("test absent is null", {}, [op("test", "/a", value=None)], {}),
    (
        "escapes",
        {"a/b": 1, "m~n": 2},
        [op("remove", "/a~1b"), op("test", "/m~0n", value=2)],
        {"m~n": 2},
    ),
    ("replacing what is not there", {}, [op("replace", "/a", value=1)], {"a": 1}),
    ("copying what is not there", {}, [{"op": "copy", "from": "/x", "path": "/y"}], {"y": None}),
    ("copying all", {"a": 1}, [{"op": "copy", "from": "", "path": "/y"}], {"a": 1, "y": {"a": 1}}),
    ("empty name", {"": 1}, [op("replace", "/", value=2)], {"": 2}),
    ("digits as a name", {"0": 1}, [op("remove", "/0")], {}),
    (
        "annotation",
        {"metadata": {"annotations": {}}},
        [op("add", "/metadata/annotations/tanebi.dev~1why", value="x")],
        {"metadata": {"annotations": {"tanebi.dev/why": "x"}}},
    ),
]


@pytest.mark.parametrize(("name", "document", "patch", "wanted"), CASES, ids=[c[0] for c in CASES])
def test_applies(name: str, document: Any, patch: Any, wanted: Any) -> None:
    before = repr(document)
    assert jsonpatch.apply(document, patch) == wanted
    assert repr(document) == before, "the document was changed in place"


REFUSED: list[tuple[Any, Any, int, str]] = [
    ({}, {}, 400, "list of operations"),
    ({}, ["x"], 400, "operation 0 is not an object"),
    ({}, [op("frob", "/a")], 422, "operation 0 ('frob'): unknown operation"),
    ({}, [{"path": "/a"}], 422, "unknown operation"),
    ({}, [{"op": "add", "value": 1}], 422, "path is not a string"),
    ({}, [op("add", "a", value=1)], 422, "does not begin with '/'"),
    ({}, [op("add", "/a~2", value=1)], 422, "'~'"),
    ({}, [op("add", "/a")], 422, "has no value"),
    ({}, [op("add", "/a/b", value=1)], 422, "nothing at '/a'"),
    ({"a": 1}, [op("add", "/a/b", value=1)], 422, "nothing at '/a/b'"),
    ({"a": [1]}, [op("add", "/a/2", value=1)], 422, "nothing at '/a/2'"),
    ({"a": [1]}, [op("add", "/a/01", value=1)], 422, "not an index"),
    ({"a": [1]}, [op("add", "/a/x", value=1)], 422, "not an index"),
    ({"a": [1]}, [op("remove", "/a/-")], 422, "not an index"),
    ({"a": [1]}, [op("remove", "/a/99999999999999999999")], 422, "nothing at"),
    ({}, [op("remove", "/a")], 422, "nothing at '/a'"),
    ({}, [op("remove", "")], 422, "whole document"),
    ({}, [op("replace", "/b/a", value=1)], 422, "nothing at '/b'"),
    ({}, [{"op": "copy", "from": "/x/z", "path": "/y"}], 422, "nothing at '/x'"),
    ({"a": {}}, [{"op": "move", "from": "/a", "path": "/a/b"}], 422, "into itself"),
    ({"a": 1}, [op("test", "/a", value=True)], 422, "is another"),
    ({"a": 1}, [op("add", "/b", value=1), op("test", "/a", value=2)], 422, "operation 1 ('test')"),
    ({}, [op("add", "/a", value=1)] * (jsonpatch.OPERATIONS_MAX + 1), 413, "10000"),
]


@pytest.mark.parametrize(("document", "patch", "code", "text"), REFUSED)
def test_refuses(document: Any, patch: Any, code: int, text: str) -> None:
    with pytest.raises(BadPatch) as caught:
        jsonpatch.apply(document, patch)
    assert caught.value.code == code
    assert text in caught.value.message


@given(st.lists(st.text("ab/~01", max_size=4), max_size=4))
def test_pointers_round_trip(tokens: list[str]) -> None:
    assert jsonpatch.parse_pointer(jsonpatch.pointer(tuple(tokens))) == tuple(tokens)


@given(JSON, JSON)
def test_what_is_added_is_found_and_can_be_taken_back(document: Any, value: Any) -> None:
    outer = {"doc": document}
    added = jsonpatch.apply(
        outer, [op("add", "/new", value=value), op("test", "/new", value=value)]
    )
    assert jsonpatch.apply(added, [op("remove", "/new")]) == outer


@given(JSON, JSON)
def test_a_patch_applies_whole_or_not_at_all(document: Any, patch: Any) -> None:
    before = repr(document)
    try:
        jsonpatch.apply(document, patch)
    except BadPatch:
        pass
    assert repr(document) == before
