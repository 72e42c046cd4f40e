from __future__ import annotations

from tanebi.apiserver.patch.errors import ApplyConflict, BadPatch, FieldConflict


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
