"""The annotation that has answers tell where their time went."""

from __future__ import annotations

import pytest

from serving.api.metadata_validation import validate_template_annotations
from serving.api.server_timing import SERVER_TIMING, parse_server_timing
from tanebi.api.fielderrors import render


@pytest.mark.parametrize(("text", "wanted"), [("true", True), ("false", False), ("", False)])
def test_good_values(text: str, wanted: bool) -> None:
    assert parse_server_timing(text) == wanted
    assert validate_template_annotations({SERVER_TIMING: text}) == []


def test_a_bad_value_is_refused_where_it_stands() -> None:
    with pytest.raises(ValueError, match="true or false"):
        parse_server_timing("yes")
    (error,) = validate_template_annotations({SERVER_TIMING: "yes"})
    assert render([error]) == f"invalid value: yes: {SERVER_TIMING}\neither true or false"
