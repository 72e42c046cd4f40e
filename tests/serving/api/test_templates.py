"""The part of Go's templates that ConfigMaps need."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api.templates import parse

FIELDS = frozenset({"Name", "Labels"})
VALUES: Any = {"Name": "n", "Labels": {"a/b": "c"}}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{.Name}}", "n"),
        ("{{ .Name }}.x", "n.x"),
        ('{{index .Labels "a/b"}}-{{.Name}}', "c-n"),
        ("{{index .Labels `a/b`}}", "c"),
        ('{{index .Labels "none"}}', ""),
        ("a {{- .Name -}} b", "anb"),
        ("no action", "no action"),
        ("{{.Name}}{{.Name}}", "nn"),
    ],
)
def test_rendering(source: str, shown: str) -> None:
    assert parse(source, fields=FIELDS).render(VALUES) == shown


@pytest.mark.parametrize(
    "source", ["{{.Other}}", "{{if .Name}}x{{end}}", "{{.Name", "x}}", "{{}}", "{{.Name | upper}}"]
)
def test_what_is_not_known_is_refused_when_read(source: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parse(source, fields=FIELDS)


def test_the_fields_it_mentions() -> None:
    assert parse('{{.Name}}{{index .Labels "x"}}', fields=FIELDS).fields == FIELDS


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert parse(text, fields=FIELDS).render(VALUES) == text
