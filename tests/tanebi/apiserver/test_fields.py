"""Decoding errors and pruning."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from tanebi.api.meta import Model, unknown_fields
from tanebi.apiserver.fields import decode_error, prune, surplus


class Part(Model):
    name: str
    port: int | str = 0


class Whole(Model):
    size: int = 0
    flag: bool = False
    ratio: float = 0.0
    parts: list[Part] = Field(default_factory=list)
    named: dict[str, Part] = Field(default_factory=dict)
    free: dict[str, Any] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"size": "x"}, "cannot unmarshal string into Go struct field Whole.size of type int64"),
        ({"size": True}, "cannot unmarshal bool into Go struct field Whole.size of type int64"),
        ({"flag": 1}, "cannot unmarshal number into Go struct field Whole.flag of type bool"),
        ({"ratio": {}}, "cannot unmarshal object into Go struct field Whole.ratio of type float64"),
        ({"parts": {}}, "cannot unmarshal object into Go struct field Whole.parts of type slice"),
        (
            {"parts": [{"name": "a"}, {"name": 1}]},
            "cannot unmarshal number into Go struct field Whole.parts[1].name of type string",
        ),
        (
            {"parts": [{"name": "a", "port": []}]},
            "cannot unmarshal array into Go struct field Whole.parts[0].port of type int64",
        ),
        ({"parts": [{}]}, "missing field 'parts[0].name'"),
        ({"parts": ["x"]}, "into Go struct field Whole.parts[0] of type struct"),
        ({"named": []}, "cannot unmarshal array into Go struct field Whole.named of type map"),
    ],
)
def test_a_wrong_type_is_told_as_go_tells_it(obj: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Whole.model_validate(obj)
    assert text in decode_error(raised.value, obj)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ({}, False),
        ({"size": 1, "parts": [{"name": "a"}], "free": {"any": {"thing": 1}}}, False),
        ({"odd": 1}, True),
        ({"parts": [{"name": "a"}, {"name": "b", "odd": 1}]}, True),
        ({"named": {"x": {"name": "a", "odd": 1}}}, True),
    ],
)
def test_surplus_is_whether_there_are_unknown_fields(obj: dict[str, Any], expected: bool) -> None:
    view = Whole.model_validate(obj)
    assert surplus(view) is expected
    assert bool(unknown_fields(view)) is expected


def test_pruning_takes_what_the_types_do_not_know_and_nothing_else() -> None:
    obj = {
        "size": 1,
        "odd": 1,
        "parts": [{"name": "a", "odd": 2}],
        "named": {"x": {"name": "b", "odd": 3}},
        "free": {"anything": {"odd": 4}},
    }
    prune(Whole.model_validate(obj), obj)
    assert obj == {
        "size": 1,
        "parts": [{"name": "a"}],
        "named": {"x": {"name": "b"}},
        "free": {"anything": {"odd": 4}},
    }
