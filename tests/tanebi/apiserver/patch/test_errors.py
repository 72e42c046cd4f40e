from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.api.core.kinds import POD
from tanebi.apiserver.patch import apply_patch, track_update
from tanebi.apiserver.patch.errors import ApplyConflict, BadPatch, FieldConflict, PatchError
from tanebi.kube.request import PatchType

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_one_conflict_reads_as_kubernetes_says_it() -> None:
    error = ApplyConflict((FieldConflict('"kubectl" using apps/v1', ".spec.replicas"),))
    assert error.message == (
        'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'
    )
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.causes == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" using apps/v1',
            "field": ".spec.replicas",
        }
    ]


def test_several_conflicts_are_grouped_by_manager() -> None:
    found = (FieldConflict('"a"', ".x"), FieldConflict('"a"', ".y"), FieldConflict('"b"', ".z"))
    assert ApplyConflict(found).message == (
        'Apply failed with 3 conflicts: conflicts with "a":\n- .x\n- .y\nconflicts with "b":\n- .z'
    )


def test_codes_have_reasons() -> None:
    assert BadPatch("x").reason == "BadRequest"
    assert BadPatch("x", code=415).reason == "UnsupportedMediaType"
    assert BadPatch("x", code=422).reason == "Invalid"
    assert BadPatch("x", code=413).reason == "RequestEntityTooLarge"
    assert BadPatch("x").causes == []


# --- whatever a client sends, it gets an object or one of these -----------------------------------

NAMES = st.sampled_from(
    [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "containers",
        "ports",
        "finalizers",
        "name",
        "containerPort",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/finalizers",
        "$deleteFromPrimitiveList/finalizers",
        "op",
        "path",
        "value",
        "from",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(
        ["v1", "Pod", "a", "delete", "replace", "/spec", "/spec/containers/0", "add", "test"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=14,
)
META = st.fixed_dictionaries(
    {"name": st.just("a")}, optional={"finalizers": st.lists(st.sampled_from("ab"), max_size=2)}
)
PODS = st.fixed_dictionaries({"metadata": META}, optional={"spec": JSON, "status": JSON})


@settings(max_examples=300)
@given(PODS, JSON, st.sampled_from(["json", "merge", "strategic", "apply"]), st.booleans())
def test_any_patch_gives_an_object_or_a_patch_error(
    live: dict[str, Any], body: Any, type_: PatchType, named: bool
) -> None:
    if named and isinstance(body, dict):
        body = {**body, "apiVersion": "v1", "kind": "Pod"}
    live = {"apiVersion": "v1", "kind": "Pod", **live}
    before = deepcopy((live, body))
    try:
        result = apply_patch(POD, live, type_, body, manager="m", force=True, now=NOW)
        assert isinstance(result, dict)
        track_update(live, result, kind=POD, manager="m", now=NOW)
    except PatchError:
        pass
    assert (live, body) == before
