from __future__ import annotations

import pytest

from tanebi.apiserver.celfunctions.formats import FORMATS, FUNCTIONS, RENAMED
from tanebi.apiserver.celfunctions.marks import mark

SPACE = mark("namespace", "format")


def test_every_format_can_be_made_and_asked() -> None:
    for name in FORMATS:
        made = FUNCTIONS[name](SPACE)
        assert FUNCTIONS["named"](SPACE, name)["value"] == [made]
        FUNCTIONS["validate"](made, "x")


def test_what_nothing_holds_has_no_value() -> None:
    nothing = FUNCTIONS["named"](SPACE, "unknown")
    assert not FUNCTIONS[RENAMED["hasValue"]](nothing)
    assert FUNCTIONS[RENAMED["orValue"]](nothing, 3) == 3
    with pytest.raises(ValueError, match="dereference"):
        FUNCTIONS[RENAMED["value"]](nothing)


def test_a_format_is_made_by_its_namespace() -> None:
    with pytest.raises(TypeError):
        FUNCTIONS["uri"]("x")
