from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tanebi.apiserver.celfunctions.texts import FUNCTIONS, text_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (2.0, "2"),
        (["a", 1], '["a", 1]'),
        ({"b": 1, "a": "x"}, '{"a": "x", "b": 1}'),
        (b"x", "x"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (timedelta(seconds=1.5), "1.5s"),
    ],
)
def test_values_as_text(value: Any, expected: str) -> None:
    assert text_of(value) == expected


def test_places_outside_are_refused() -> None:
    for name, arguments in (
        ("charAt", ("a", 2)),
        ("substring", ("abc", 2, 1)),
        ("indexOf", ("a", "a", 5)),
    ):
        with pytest.raises(IndexError):
            FUNCTIONS[name](*arguments)


def test_clauses_that_are_none() -> None:
    with pytest.raises(ValueError, match="unrecognized"):
        FUNCTIONS["format"]("%q", [1])
    with pytest.raises(IndexError):
        FUNCTIONS["format"]("%s %s", [1])
