"""Values as Go prints them (fmt, text/template, net/textproto)."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import go_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, "<nil>"),
        (True, "true"),
        (7, "7"),
        (2.0, "2"),
        (0.0012, "0.0012"),
        (0.000012, "1.2e-05"),
        ([], "[]"),
        (["a", "b"], "[a b]"),
        ({"B": ["2"], "A": ["1", "x"]}, "map[A:[1 x] B:[2]]"),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert go_text.shown(value) == text


def test_a_space_stands_between_what_is_no_text() -> None:
    assert go_text.joined([1, 2, "a", 3, None]) == "1 2a3 <nil>"


def test_escapes() -> None:
    assert go_text.js("a'b\"\\<>&=\n\u00e9\u2028") == (
        "a\\'b\\\"\\\\\\u003C\\u003E\\u0026\\u003D\\u000A\u00e9\\u2028"
    )
    assert go_text.html("<a b='1'>&\"") == "&lt;a b=&#39;1&#39;&gt;&amp;&#34;"
    assert go_text.urlquery("a b/c?d=~") == "a+b%2Fc%3Fd%3D~"


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("x-b3-traceid", "X-B3-Traceid"), ("HOST", "Host"), ("no name", "no name"), ("", "")],
)
def test_names(name: str, spelled: str) -> None:
    assert go_text.canonical(name) == spelled


def test_texts() -> None:
    assert go_text.unquoted('"a\\n\\"b"') == 'a\n"b'
    assert go_text.unquoted("`a\\n`") == "a\\n"
    with pytest.raises(ValueError, match="escapes are those of JSON"):
        go_text.unquoted('"\\x41"')
