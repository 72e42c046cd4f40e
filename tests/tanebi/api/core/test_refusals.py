"""Kubernetes' words."""

from __future__ import annotations

import pytest

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
    go = refusals.GoValue("T{}")
    assert refusals.invalid("a", go, "why").message == "Invalid value: T{}: why"
    assert refusals.duplicate("a", go).message == "Duplicate value: T{}"
    assert refusals.forbidden("a", "why").message == "Forbidden: why"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (0, ""),
        ("100%", ""),
        (-1, "Invalid value: -1: must be greater"),
        ("101%", 'Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"101%"}: must not be'),
        ("x", 'StrVal:"x"}: a valid percent string'),
    ],
)
def test_amounts(value: int | str | None, words: str) -> None:
    found = [e.message for e in refusals.amount_errors("a", value)]
    assert (words in found[0]) if words else found == []


def test_nothing() -> None:
    assert [refusals.is_nothing(v) for v in (None, 0, "0%", 1, "10%")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert refusals.int_or_string(3).text == 'intstr.IntOrString{Type:0, IntVal:3, StrVal:""}'
