from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.celfunctions.urls import Parts, is_url, parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://u:p@h:1/a?b=c?d", Parts("http", "h:1", "/a", "b=c?d")),
        ("//h/a", Parts("", "", "//h/a", "")),
        ("mailto:x@y", Parts("mailto", "", "", "")),
        ("http://[::1]/", Parts("http", "[::1]", "/", "")),
    ],
)
def test_parts(text: str, expected: Parts) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize("text", ["", "a", "http://a b/", "http://h:x/", "/%zz", "/\x01"])
def test_none(text: str) -> None:
    assert not is_url(text)


@given(st.text(max_size=20))
def test_any_text_is_one_or_is_none(text: str) -> None:
    assert is_url(text) in (True, False)
