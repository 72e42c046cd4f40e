from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.kube.diff import (
    DESIRED_HASH,
    Change,
    Create,
    Delete,
    NotOwned,
    Update,
    children,
    contains,
    digest,
    is_as_wished,
    merge_is_done,
    merged,
    same_status,
)

OWNER = "owner-uid"
REF = {"apiVersion": "x/v1", "kind": "X", "name": "o", "uid": OWNER, "controller": True}


def wish(name: str = "a", *, labels: dict[str, str] | None = None, **data: str) -> Obj:
    meta: Obj = {"name": name, "namespace": "d", "ownerReferences": [REF]}
    if labels:
        meta["labels"] = labels
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def stored(obj: Obj, *, rv: str = "5", **meta: Any) -> Obj:
    """What the server made of a create."""
    server = {"uid": f"uid-{obj['metadata']['name']}", "resourceVersion": rv}
    return {**obj, "metadata": {**obj["metadata"], **server, **meta}}


def made(obj: Obj, **meta: Any) -> Obj:
    """As the engine created it."""
    (change,) = plan([obj], [])
    assert isinstance(change, Create)
    return stored(change.obj, **meta)


def plan(
    wanted: list[Obj], live: list[Obj], *, prune: bool = True, kind: AnyKind = CONFIG_MAP
) -> list[Change]:
    by_key = {Key("d", o["metadata"]["name"]): o for o in live}
    owned = [o for o in live if o["metadata"].get("ownerReferences")]
    return children(
        OWNER,
        [(kind, o) for o in wanted],
        [(kind, o) for o in owned],
        live=lambda _, key: by_key.get(key),
        prune=prune,
    )


def test_creates_carry_the_digest() -> None:
    (change,) = plan([wish(x="1")], [])
    assert isinstance(change, Create)
    assert change.obj["metadata"]["annotations"] == {DESIRED_HASH: digest(CONFIG_MAP, wish(x="1"))}
    assert change.obj["data"] == {"x": "1"}


def test_what_is_as_wished_is_left_alone() -> None:
    assert plan([wish(x="1")], [made(wish(x="1"))]) == []


def test_the_digest_of_an_owner_whose_annotations_were_copied_is_no_wish() -> None:
    copied = wish(x="1")
    copied["metadata"]["annotations"] = {"a": "1", DESIRED_HASH: "the owner's"}
    assert plan([copied], [made(copied)]) == []


def test_a_changed_wish_updates_with_the_version_it_was_computed_from() -> None:
    (change,) = plan([wish(x="2")], [made(wish(x="1"), rv="7")])
    assert isinstance(change, Update)
    assert change.obj["data"] == {"x": "2"}
    assert change.obj["metadata"]["resourceVersion"] == "7"
    assert change.obj["metadata"]["uid"] == "uid-a"


def test_a_field_that_is_wished_no_longer_goes() -> None:
    (change,) = plan([wish(y="2")], [made(wish(x="1", y="2"))])
    assert isinstance(change, Update)
    assert change.obj["data"] == {"y": "2"}


def test_drift_is_mended() -> None:
    live = made(wish(x="1"))
    live["data"] = {"x": "changed"}
    (change,) = plan([wish(x="1")], [live])
    assert isinstance(change, Update)
    assert change.obj["data"] == {"x": "1"}


def test_labels_and_annotations_of_others_stay() -> None:
    live = made(wish(labels={"mine": "1"}, x="1"))
    live["metadata"]["labels"]["theirs"] = "2"
    assert plan([wish(labels={"mine": "1"}, x="1")], [live]) == []
    (change,) = plan([wish(labels={"mine": "2"}, x="1")], [live])
    assert isinstance(change, Update)
    assert change.obj["metadata"]["labels"] == {"mine": "2", "theirs": "2"}


def test_what_is_not_named_goes_unless_it_is_kept() -> None:
    live = [made(wish("a")), made(wish("b"))]
    assert plan([wish("a")], live) == [Delete(CONFIG_MAP, Key("d", "b"), "uid-b")]
    assert plan([wish("a")], live, prune=False) == []


def test_what_is_going_is_neither_updated_nor_deleted_again() -> None:
    going = made(wish("a"), deletionTimestamp="2026-01-01T00:00:00Z")
    assert plan([wish("a", x="new")], [going]) == []
    assert plan([], [going]) == []


def test_what_another_controls_is_not_touched() -> None:
    foreign = stored(wish("a"))
    foreign["metadata"]["ownerReferences"] = [{**REF, "uid": "another"}]
    assert plan([wish("a")], [foreign]) == [NotOwned(CONFIG_MAP, Key("d", "a"))]
    assert plan([], [foreign]) == []
    orphan = stored(wish("a"))
    orphan["metadata"]["ownerReferences"] = [{**REF, "controller": False}]
    assert plan([wish("a")], [orphan]) == [NotOwned(CONFIG_MAP, Key("d", "a"))]


def test_creates_then_updates_then_deletes() -> None:
    live = [made(wish("u")), made(wish("d"))]
    found = plan([wish("u", x="1"), wish("c")], live)
    assert [type(change) for change in found] == [Create, Update, Delete]


# --- replicas -------------------------------------------------------------------------------------


def deployment(image: str = "i", **spec: Any) -> Obj:
    meta = {"name": "a", "namespace": "d", "ownerReferences": [REF]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"image": image, **spec},
    }


def test_scaling_is_no_drift_and_no_change_of_the_wish() -> None:
    (create,) = plan([deployment()], [], kind=DEPLOYMENT)
    assert isinstance(create, Create)
    live = stored(create.obj)
    live["spec"] = {**live["spec"], "replicas": 3}
    assert plan([deployment()], [live], kind=DEPLOYMENT) == []
    assert plan([deployment(replicas=3)], [live], kind=DEPLOYMENT) == []
    (change,) = plan([deployment("j")], [live], kind=DEPLOYMENT)
    assert isinstance(change, Update)
    assert change.obj["spec"] == {"image": "j", "replicas": 3}


def test_replicas_that_are_wished_are_written() -> None:
    (create,) = plan([deployment(replicas=1)], [], kind=DEPLOYMENT)
    assert isinstance(create, Create)
    (change,) = plan([deployment(replicas=2)], [stored(create.obj)], kind=DEPLOYMENT)
    assert isinstance(change, Update)
    assert change.obj["spec"]["replicas"] == 2


# --- comparisons ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "want", "holds"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": {}}, True),
        ({}, {"a": []}, True),
        ({}, {"a": ""}, True),
        ({}, {"a": None}, True),
        ({}, {"a": False}, True),
        ({}, {"a": 0}, True),
        ({}, {"a": True}, False),
        ({}, {"a": 1}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 0}, {"a": False}, False),
        ({"l": [{"n": 1, "x": 2}]}, {"l": [{"n": 1}]}, True),
        ({"l": [{"n": 1}, {"n": 2}]}, {"l": [{"n": 1}]}, False),
        ({"l": {"a": 1}}, {"l": [1]}, False),
        ({"l": [1]}, {"l": {"a": 1}}, False),
    ],
)
def test_contains(live: Any, want: Any, holds: bool) -> None:
    assert contains(live, want) is holds


def test_a_status_is_the_same_when_only_times_differ() -> None:
    def status(at: str, ready: str = "True") -> Obj:
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": at}
        return {"conditions": [condition], "x": 1}

    assert same_status(status("1"), status("2"))
    assert not same_status(status("1"), status("1", ready="False"))
    assert same_status(None, {})
    assert same_status({"a": None}, {})
    assert not same_status({"a": 1}, {})


@pytest.mark.parametrize(
    ("live", "patch", "done"),
    [
        ({"a": 1}, {}, True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": None}, True),
        ({"a": 1}, {"a": None}, False),
        ({"a": {"b": [1]}}, {"a": {"b": [1]}}, True),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, False),
        ({}, {"a": {"b": None}}, False),
        ({"a": 1}, {"a": {}}, False),
    ],
)
def test_a_patch_that_would_change_nothing(live: Any, patch: Any, done: bool) -> None:
    assert merge_is_done(live, patch) is done


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=6,
)
SPECS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(SPECS)
def test_everything_contains_itself(spec: Obj) -> None:
    assert contains(spec, spec)


@given(SPECS, SPECS)
def test_what_was_written_is_as_wished(before: Obj, after: Obj) -> None:
    """One update is enough: the merged object needs no second one."""
    first = made({**wish(), "data": before})
    wanted = {**wish(), "data": after}
    result = merged(CONFIG_MAP, wanted, first)
    assert is_as_wished(CONFIG_MAP, wanted, result)
    assert plan([wanted], [result]) == []
