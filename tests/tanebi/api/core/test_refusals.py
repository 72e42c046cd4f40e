"""Kubernetes' words."""

from __future__ import annotations

from tanebi.api.core import refusals
from tanebi.api.fielderrors import FieldError


def test_words() -> None:
    assert refusals.required("a") == FieldError("Required value", ("a",))
    assert refusals.required("a", "why").message == "Required value: why"
    assert refusals.invalid("a", "x", "why").message == 'Invalid value: "x": why'
    assert refusals.invalid("a", 3, "why").message == "Invalid value: 3: why"
    assert refusals.duplicate("a", "x").message == 'Duplicate value: "x"'
    assert (
        refusals.not_supported("a", "x", ["c", "b"]).message
        == 'Unsupported value: "x": supported values: "b", "c"'
    )
    assert refusals.forbidden("a", "why").message == "Forbidden: why"
