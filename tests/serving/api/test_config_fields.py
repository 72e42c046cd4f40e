"""Reading single keys of ConfigMaps."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import config_fields as fields


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True", " true "])
def test_true(text: str) -> None:
    assert fields.boolean({"k": text}, "k", False) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_false(text: str) -> None:
    assert fields.boolean({"k": text}, "k", True) is False


def test_absent_is_the_default() -> None:
    assert fields.boolean({}, "k", True) is True
    assert fields.integer({}, "k", 3, low=0) == 3
    assert fields.seconds({}, "k", 1.5) == 1.5
    assert fields.amount({}, "k") is None
    assert fields.names({}, "k", ("a",)) == ("a",)


def test_values() -> None:
    assert fields.integer({"k": " -4 "}, "k", 0, low=-5) == -4
    assert fields.seconds({"k": "1m30s"}, "k", 0) == 90
    assert fields.amount({"k": "100m"}, "k") == "100m"
    assert fields.names({"k": "b, a,,b"}, "k", ()) == ("a", "b")


@pytest.mark.parametrize(
    "read",
    [
        lambda d: fields.boolean(d, "key", True),
        lambda d: fields.integer(d, "key", 0, low=0),
        lambda d: fields.seconds(d, "key", 0),
        lambda d: fields.amount(d, "key"),
    ],
)
def test_what_cannot_be_read_names_key_and_value(read: Any) -> None:
    with pytest.raises(ValueError, match=r"'key'.*'some'"):
        read({"key": "some"})


def test_bounds() -> None:
    with pytest.raises(ValueError, match=r"k = 9 is outside \[0, 5\]"):
        fields.integer({"k": "9"}, "k", 0, low=0, high=5)


@pytest.mark.parametrize("text", ["1.0", "1e3", "٣", "", "+-1"])
def test_not_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError):
        fields.parse_int(text)
