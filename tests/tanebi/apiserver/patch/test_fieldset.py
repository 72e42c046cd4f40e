from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.patch.fieldset import Field, edited, flatten, from_v1, show, to_v1
from tanebi.apiserver.patch.schema import BUILTIN, CUSTOM

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "x",
        "namespace": "d",
        "uid": "u",
        "resourceVersion": "1",
        "labels": {"app": "x"},
        "finalizers": ["f"],
        "annotations": {},
    },
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "c", "image": "i", "args": ["a"], "ports": [{"containerPort": 80}]}
                ]
            }
        },
    },
}


def test_fields_of_a_builtin_kind() -> None:
    assert to_v1(flatten(DEPLOYMENT, BUILTIN)) == {
        "f:metadata": {
            "f:annotations": {},
            "f:finalizers": {'v:"f"': {}},
            "f:labels": {"f:app": {}},
        },
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"c"}': {
                            ".": {},
                            "f:args": {},
                            "f:image": {},
                            "f:name": {},
                            "f:ports": {
                                'k:{"containerPort":80,"protocol":"TCP"}': {
                                    ".": {},
                                    "f:containerPort": {},
                                }
                            },
                        }
                    }
                }
            },
        },
    }


def test_lists_of_a_custom_kind_are_single_values() -> None:
    found = flatten({"spec": {"containers": [{"name": "c"}], "a": {"b": 1}}}, CUSTOM)
    assert found == {
        ("f:spec", "f:containers"): [{"name": "c"}],
        ("f:spec", "f:a", "f:b"): 1,
    }


def test_a_list_without_good_keys_is_a_single_value() -> None:
    for containers in ([3], [{"name": "a"}, {"name": "a"}]):
        found = flatten({"spec": {"containers": containers}}, BUILTIN)
        assert found == {("f:spec", "f:containers"): containers}


def test_nulls_are_absent() -> None:
    assert flatten({"spec": {"a": None}}, BUILTIN) == {}


def test_paths_read_as_kubernetes_prints_them() -> None:
    fields = {
        ("f:spec", "f:replicas"): ".spec.replicas",
        ("f:spec", "f:containers", 'k:{"name":"c"}', "f:image"): '.spec.containers[name="c"].image',
        ("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}'): (
            '.ports[containerPort=80,protocol="TCP"]'
        ),
        ("f:metadata", "f:finalizers", 'v:"x"'): '.metadata.finalizers[="x"]',
    }
    for field, text in fields.items():
        assert show(field) == text


STEPS = st.sampled_from(["f:a", "f:b", "f:.", 'k:{"name":"x"}', 'v:"y"'])
FIELDS = st.frozensets(st.lists(STEPS, min_size=1, max_size=4).map(tuple), max_size=8)


@given(FIELDS)
def test_the_nested_form_round_trips(fields: frozenset[Field]) -> None:
    assert from_v1(to_v1(fields)) == fields


def test_nonsense_owns_nothing() -> None:
    assert from_v1(None) == frozenset()
    assert from_v1(["f:a"]) == frozenset()
    assert from_v1({"f:a": 1}) == frozenset()


SETS = st.frozensets(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), max_size=9
)


@given(SETS, SETS, SETS)
def test_a_tree_is_edited_as_if_it_were_read_and_written_anew(
    there: frozenset[Field], removed: frozenset[Field], added: frozenset[Field]
) -> None:
    tree = to_v1(there)
    found = edited(tree, removed=removed, added=added)
    wanted = to_v1((there - removed) | added)
    assert orjson.dumps(found) == orjson.dumps(wanted), "the order of members included"
    assert tree == to_v1(there)
