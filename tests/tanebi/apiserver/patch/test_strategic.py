from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch import strategic
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import BUILTIN


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


def names(*items: str) -> list[dict[str, str]]:
    return [{"name": item} for item in items]


CASES: list[tuple[str, Any, Any, Any]] = [
    ("scalar", {"a": 1}, {"a": 2}, {"a": 2}),
    ("null removes", {"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ("null in a new map", {}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ("maps merge", {"l": {"a": "1"}}, {"l": {"b": "2"}}, {"l": {"a": "1", "b": "2"}}),
    ("map replaced", {"l": {"a": 1}}, {"l": {"$patch": "replace", "b": 2}}, {"l": {"b": 2}}),
    ("map deleted", {"l": {"a": 1}}, {"l": {"$patch": "delete"}}, {"l": {}}),
    (
        "map merged by name",
        {"l": {"a": 1}},
        {"l": {"$patch": "merge", "b": 2}},
        {"l": {"a": 1, "b": 2}},
    ),
    (
        "item merges by name",
        pod(containers=[{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}]),
        pod(containers=[{"name": "a", "image": "2"}]),
        pod(containers=[{"name": "a", "image": "2", "args": ["x"]}, {"name": "b"}]),
    ),
    (
        "new item before the others",
        pod(containers=names("a")),
        pod(containers=names("b")),
        pod(containers=names("b", "a")),
    ),
    (
        "item deleted",
        pod(containers=names("a", "b")),
        pod(containers=[{"name": "a", "$patch": "delete"}]),
        pod(containers=names("b")),
    ),
    (
        "list replaced",
        pod(containers=names("a", "b")),
        pod(containers=[{"$patch": "replace"}, {"name": "c"}]),
        pod(containers=names("c")),
    ),
    (
        "single-valued list",
        pod(tolerations=names("a")),
        pod(tolerations=names("b")),
        pod(tolerations=names("b")),
    ),
    (
        "ports by number",
        pod(containers=[{"name": "c", "ports": [{"containerPort": 80}]}]),
        pod(
            containers=[
                {
                    "name": "c",
                    "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81}],
                }
            ]
        ),
        pod(
            containers=[
                {
                    "name": "c",
                    "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81}],
                }
            ]
        ),
    ),
    (
        "service ports by port",
        {"spec": {"ports": [{"port": 80, "targetPort": 1}]}},
        {"spec": {"ports": [{"port": 80, "targetPort": 2}]}},
        {"spec": {"ports": [{"port": 80, "targetPort": 2}]}},
    ),
    (
        "owner references by uid",
        {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}},
        {"metadata": {"ownerReferences": [{"uid": "2", "name": "b"}]}},
        {"metadata": {"ownerReferences": [{"uid": "2", "name": "b"}, {"uid": "1", "name": "a"}]}},
    ),
    (
        "finalizers are a set",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    (
        "taken out of a set",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}},
        {"metadata": {"finalizers": ["c", "b"]}},
    ),
    (
        "retain keys",
        {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        {"spec": {"strategy": {"type": "Recreate"}}},
    ),
    (
        "volume source changes",
        pod(volumes=[{"name": "v", "emptyDir": {}}]),
        pod(
            volumes=[
                {"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}
            ]
        ),
        pod(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
    ),
    (
        "order of items",
        pod(containers=names("a", "b", "c")),
        {"spec": {"$setElementOrder/containers": names("c", "a"), "containers": names("a")}},
        pod(containers=names("b", "c", "a")),
    ),
    (
        "order keeps what the server alone has in its place",
        pod(containers=names("sidecar", "a", "b")),
        {"spec": {"$setElementOrder/containers": names("b", "a")}},
        pod(containers=names("sidecar", "b", "a")),
    ),
    (
        "order of a set",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$setElementOrder/finalizers": ["c", "b", "a"], "finalizers": ["c"]}},
        {"metadata": {"finalizers": ["c", "b", "a"]}},
    ),
    ("type changes", {"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
    (
        "list where nothing was",
        {},
        pod(containers=[{"name": "a", "x": None}]),
        pod(containers=names("a")),
    ),
]


@pytest.mark.parametrize(("name", "target", "patch", "wanted"), CASES, ids=[c[0] for c in CASES])
def test_applies(name: str, target: Any, patch: Any, wanted: Any) -> None:
    before = repr((target, patch))
    assert strategic.apply(target, patch, BUILTIN) == wanted
    assert repr((target, patch)) == before


@pytest.mark.parametrize(
    ("patch", "code", "text"),
    [
        ([], 400, "is an object"),
        ({"a": {"$patch": "frob"}}, 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (pod(containers=[{"image": "x"}]), 500, "map[image:x] does not contain declared merge key"),
        (pod(containers=["x"]), 500, "does not contain declared merge key: name"),
        ({"a": {"$retainKeys": ["x"], "y": 1}}, 400, "a.y is set and not among them"),
        ({"a": {"$retainKeys": "x"}}, 400, "expected a list"),
        (
            {"spec": {"$setElementOrder/containers": names("b"), "containers": names("a")}},
            500,
            "does not match",
        ),
    ],
)
def test_refuses(patch: Any, code: int, text: str) -> None:
    with pytest.raises(BadPatch) as caught:
        strategic.apply({}, patch, BUILTIN)
    assert caught.value.code == code
    assert text in caught.value.message


CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcd")}, optional={"image": st.sampled_from("xy")}
    ),
    max_size=4,
    unique_by=lambda item: item["name"],
)


@given(CONTAINERS, CONTAINERS)
def test_patched_items_are_there_and_no_name_stands_twice(old: Any, new: Any) -> None:
    result = strategic.apply(pod(containers=old), pod(containers=new), BUILTIN)["spec"][
        "containers"
    ]
    by_name = {item["name"]: item for item in result}
    assert len(by_name) == len(result)
    assert by_name.keys() == {item["name"] for item in [*old, *new]}
    assert all(by_name[item["name"]].items() >= item.items() for item in new)


@given(CONTAINERS, CONTAINERS, st.permutations("abcd"))
def test_twice_is_once_and_the_order_is_kept(old: Any, new: Any, order: Any) -> None:
    patch = {"spec": {"containers": new, "$setElementOrder/containers": names(*order)}}
    once = strategic.apply(pod(containers=old), patch, BUILTIN)
    assert strategic.apply(once, patch, BUILTIN) == once
    found = [item["name"] for item in once["spec"]["containers"]]
    assert found == [name for name in order if name in found]
