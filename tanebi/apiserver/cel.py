"""The one door to CEL, the language of rules in definitions and of webhooks' match conditions.

The evaluator is a library; what Kubernetes adds to the language and what bounds it are ours. An expression is refused when it is
read if it calls what we do not have: never later, and never silently. The cost of an evaluation is bounded before it starts, by
how deep the expression loops and how long the longest list or map is that it may loop over.
Behaviour: k8s.io/apiserver pkg/cel. Callers: tanebi.apiserver.structural.rules, tanebi.apiserver.webhooks.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

SOURCE_BYTES_MAX: Final = 16 * 1024
LOOPS_MAX: Final = 4
STEPS_MAX: Final = 1_000_000

_MACROS: Final = ("all", "exists", "exists_one", "map", "filter")
_LOOP: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(")
_BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_TEXT: Final = re.compile(r"""r?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def _first_index(text: str, part: str, start: int = 0) -> int:
    return text.find(part, start)


def _last_index(text: str, part: str, start: int | None = None) -> int:
    return text.rfind(part, 0, None if start is None else start + len(part))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, by: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    return text.split(by, count - 1 if count > 0 else -1) if by else list(text)[:count]


def _substring(text: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= (len(text) if end is None else end) <= len(text):
        raise IndexError(f"index out of range: {start}")
    return text[start:end]


def _is_sorted(values: list[Any]) -> bool:
    return values == sorted(values)


def _is_url(text: str) -> bool:
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+|/", text))


# The library's own, then Kubernetes' libraries of strings and lists.
_OWN: Final = frozenset(
    "size contains startsWith endsWith matches has duration timestamp max min "
    "int uint double string bytes bool type dyn list map null_type google "
    "getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds getMilliseconds".split()
)
_ADDED: Final[Mapping[str, Callable[..., Any]]] = {
    "charAt": lambda text, at: text[at],
    "indexOf": lambda whole, part, *at: (
        _first_index(whole, part, *at)
        if isinstance(whole, str)
        else next((i for i, one in enumerate(whole) if one == part), -1)
    ),
    "isSorted": _is_sorted,
    "isURL": _is_url,
    "join": lambda parts, by="": by.join(parts),
    "lastIndexOf": _last_index,
    "lowerAscii": lambda text: text.lower(),
    "replace": _replace,
    "split": _split,
    "substring": _substring,
    "sum": lambda values: sum(values),
    "trim": lambda text: text.strip(),
    "upperAscii": lambda text: text.upper(),
}


class BadExpression(ValueError):
    """The expression cannot be read, or calls what there is not."""


class CannotEvaluate(ValueError):
    """It has no value for this object."""


@cache
def _library() -> Any:
    """Imported with the first expression: it brings a command line along that takes a sixth of a second, which no start has."""
    return importlib.import_module("cel")


class Expression:
    """One compiled expression. Raises BadExpression."""

    def __init__(self, source: str, *, variables: frozenset[str]) -> None:
        if len(source.encode()) > SOURCE_BYTES_MAX:
            raise BadExpression(f"longer than {SOURCE_BYTES_MAX} bytes")
        self.loops = _depth(source)
        if self.loops > LOOPS_MAX:
            raise BadExpression(f"loops {self.loops} deep, at most {LOOPS_MAX} are evaluated")
        try:
            self._program = _library().compile(source)
        except ValueError as error:
            raise BadExpression(str(error).removeprefix("Failed to parse expression ")) from error
        self.variables = frozenset(self._program.variables())
        self._check(variables)

    def _check(self, variables: frozenset[str]) -> None:
        for name in self._program.functions():
            if name[:1].isalpha() and name not in _OWN and name not in _ADDED:
                if name not in _MACROS:
                    raise BadExpression(f"undeclared reference to '{name}': not evaluated here")
        bound = {found[1] for found in _BOUND.finditer(self._program.source)}
        if unknown := sorted(self.variables - variables - _OWN - bound):
            raise BadExpression(f"undeclared reference to '{unknown[0]}'")

    def value(self, given: Mapping[str, Any]) -> Any:
        """Raises CannotEvaluate."""
        if self.loops and _longest(list(given.values())) ** self.loops > STEPS_MAX:
            raise CannotEvaluate(
                "validation failed due to running out of cost budget, no further validation rules will be run"
            )
        context = _library().Context(dict(given))
        for name, function in _ADDED.items():
            context.add_function(name, function)
        try:
            return self._program.execute(context)
        except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as error:
            if isinstance(error, KeyError):
                raise CannotEvaluate(f"no such key: {error.args[0]}") from error
            raise CannotEvaluate(str(error)) from error

    def holds(self, given: Mapping[str, Any]) -> bool:
        """Raises CannotEvaluate, also when the value is no boolean."""
        found = self.value(given)
        if not isinstance(found, bool):
            raise CannotEvaluate("the expression must evaluate to bool")
        return found


def _depth(source: str) -> int:
    """How deep macros stand inside each other, texts left out."""
    bare = _TEXT.sub('""', source)
    starts = {found.end() - 1 for found in _LOOP.finditer(bare)}
    stack: list[bool] = []
    deepest = 0
    for at, char in enumerate(bare):
        if char == "(":
            stack.append(at in starts)
            deepest = max(deepest, sum(stack))
        elif char == ")" and stack:
            stack.pop()
    return deepest


def _longest(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list)):
        return 1
    return max([1, len(value), *map(_longest, members)])
