"""The door to CEL: what it evaluates, what it refuses, what it costs at most."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.apiserver.cel import BadExpression, CannotEvaluate, Expression

SELF = frozenset(("self",))


def value(source: str, self: Any = None) -> Any:
    return Expression(source, variables=SELF).value({"self": self})


@pytest.mark.parametrize(
    ("source", "self", "expected"),
    [
        ("self.a > 1", {"a": 2}, True),
        ("has(self.a) && self.a == 'x'", {}, False),
        ("self.all(x, x > 0)", [1, 2], True),
        ("self.map(x, x * 2).sum()", [1, 2], 6),
        ("self.lowerAscii().startsWith('a')", "ABC", True),
        ("self.split(',').join('-')", "a,b", "a-b"),
        ("self.indexOf('b')", "abc", 1),
        ("self.indexOf('b')", ["a", "b"], 1),
        ("self.lastIndexOf('b')", "abcb", 3),
        ("self.substring(1, 2)", "abc", "b"),
        ("self.replace('a', 'x').upperAscii().trim()", " aa ", "XX"),
        ("self.isSorted()", [1, 3, 2], False),
        ("isURL(self)", "https://example.com/x", True),
        ("self.charAt(1)", "abc", "b"),
        ("self.matches('^[a-z]+$')", "abc", True),
        ("duration(self) > duration('1m')", "1h", True),
        ("type(self) == int", 1, True),
    ],
)
def test_values(source: str, self: Any, expected: Any) -> None:
    assert value(source, self) == expected


@pytest.mark.parametrize(
    "source",
    [
        "self.a +",
        "nothing(self)",
        "other == 1",
        "self.?a.orValue(1)",
        "self.all(a, a.all(b, b.all(c, c.all(d, d.all(e, e > 0)))))",
        "'" + "x" * 20_000 + "'",
    ],
)
def test_refused_when_read(source: str) -> None:
    with pytest.raises(BadExpression):
        Expression(source, variables=SELF)


@pytest.mark.parametrize(
    ("source", "self", "text"),
    [
        ("self.a == 1", {}, "no such key: a"),
        ("self[3] == 1", [], "index out of bounds"),
        ("1 / self == 1", 0, "division by zero"),
        ("int(self) == 1", "x", "invalid digit"),
        ("self.all(a, self.all(b, a + b > 0))", list(range(1, 2000)), "out of cost budget"),
        ("self", "text", "must evaluate to bool"),
    ],
)
def test_no_value(source: str, self: Any, text: str) -> None:
    with pytest.raises(CannotEvaluate, match=text):
        Expression(source, variables=SELF).holds({"self": self})


def test_loops_inside_texts_are_none() -> None:
    assert Expression("self == '.all(.all(.all(.all(.all('", variables=SELF).loops == 0
    assert Expression("self.all(x, x > 0) && self.exists(y, y > 1)", variables=SELF).loops == 1
