from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet.engine.ignoring import is_ignored, may_be_skipped, rules


@pytest.mark.parametrize(
    ("text", "path", "ignored"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./a", "a", True),
        ("*.pyc", "x.pyc", True),
        ("*.pyc", "d/x.pyc", False),
        ("**/*.pyc", "x.pyc", True),
        ("**/*.pyc", "d/e/x.pyc", True),
        ("**", "anything/at/all", True),
        ("a/**", "a/b", True),
        ("?", "a", True),
        ("?", "ab", False),
        ("[ab]", "a", True),
        ("[^ab]", "a", False),
        ("# a", "# a", False),
        ("  a  ", "a", True),
        ("*\n!keep", "keep", False),
        ("*\n!keep", "other", True),
        ("*\n!keep\nkeep", "keep", True),
        ("a\n!a/b", "a/b", False),
        ("a+b", "a+b", True),
        ("a.b", "axb", False),
        ("\\*", "*", True),
        (".", "a", False),
        ("[", "[", True),
    ],
)
def test_rules(text: str, path: str, ignored: bool) -> None:
    assert is_ignored(path, rules(text)) is ignored


def test_folders_are_looked_into_only_for_what_is_taken_back() -> None:
    assert may_be_skipped(rules("a\nb"))
    assert not may_be_skipped(rules("a\n!a/b"))


@given(st.text(max_size=30))
def test_any_line_is_a_rule_or_passed_over(text: str) -> None:
    try:
        known = rules(text)
    except re.error:  # pragma: no cover
        raise AssertionError(text) from None
    assert is_ignored("a/b", known) in (True, False)


@given(st.text(alphabet="abc/", min_size=1, max_size=12))
def test_plain_names_ignore_themselves(name: str) -> None:
    known = rules(name)
    if known:
        assert is_ignored(re.sub("/+", "/", name.strip("/")), known)
