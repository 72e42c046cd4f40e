"""CEL's libraries of lists and of sets. Pure. Behaviour: k8s.io/apiserver pkg/cel/library lists.go, cel-go ext/sets.go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from tanebi.apiserver.celfunctions.marks import Function, is_namespace


def _is_sorted(values: list[Any]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _sum(values: list[Any]) -> Any:
    return sum(values[1:], values[0]) if values else 0


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Function:
    def of(*values: Any) -> Any:
        """A list's, or, as the evaluator itself has it, of the arguments."""
        given = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
        if not given:
            raise ValueError(f"{name} called on empty list")
        return choose(given)

    return of


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _holds(values: list[Any], wanted: list[Any]) -> bool:
    return all(any(_same(one, other) for other in values) for one in wanted)


def _contains(whole: Any, *given: Any) -> bool:
    """`sets.contains`, and what the evaluator calls by the same name."""
    if is_namespace(whole, "sets"):
        return _holds(given[0], given[1])
    return given[0] in whole


def _of_sets(function: Callable[[list[Any], list[Any]], bool]) -> Function:
    def call(namespace: Any, one: list[Any], other: list[Any]) -> bool:
        if not is_namespace(namespace, "sets"):
            raise TypeError("no such overload")
        return function(one, other)

    return call


FUNCTIONS: Final[Mapping[str, Function]] = {
    "isSorted": _is_sorted,
    "sum": _sum,
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "contains": _contains,
    "equivalent": _of_sets(lambda one, other: _holds(one, other) and _holds(other, one)),
    "intersects": _of_sets(lambda one, other: any(_holds(other, [item]) for item in one)),
}
