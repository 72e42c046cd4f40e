"""The one door to CEL, the language of rules in definitions and of webhooks' match conditions.

The evaluator is a library; what Kubernetes adds to the language and what bounds it are ours. An expression is refused when it is
read if it calls what we do not have: never later, and never silently. The cost of an evaluation is bounded before it starts, by
how deep the expression loops and how long the longest list or map is that it may loop over.
Behaviour: k8s.io/apiserver pkg/cel. Callers: tanebi.apiserver.structural.rules, tanebi.apiserver.webhooks.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from tanebi.apiserver.celfunctions import addresses, amounts, formats, lists, texts, urls
from tanebi.apiserver.celfunctions.marks import NAMESPACES, Function, mark

SOURCE_BYTES_MAX: Final = 16 * 1024
LOOPS_MAX: Final = 4
STEPS_MAX: Final = 1_000_000

_MACROS: Final = ("all", "exists", "exists_one", "map", "filter")
_LOOP: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(")
_BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_HELD: Final = re.compile(r"\.(hasValue|value|orValue)(?=\s*\()")
_TEXT: Final = re.compile(r"""r?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


# The library's own, then what Kubernetes' libraries add.
_OWN: Final = frozenset(
    "size contains startsWith endsWith matches has duration timestamp "
    "of none hasValue value orValue int uint double string bytes bool type dyn list map null_type google "
    "getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds getMilliseconds".split()
)
_ADDED: Final[Mapping[str, Function]] = {
    **amounts.FUNCTIONS,
    **addresses.FUNCTIONS,
    **urls.FUNCTIONS,
    **formats.FUNCTIONS,
    **texts.FUNCTIONS,
    **lists.FUNCTIONS,
}
# The evaluator has these itself, and faster: ours are for what it does not know.
_OWN_TOO: Final = frozenset({"contains"})
_MADE: Final = frozenset({"ip", "cidr"})  # of what they make `string()` is ours


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
            self._program = _library().compile(_renamed(source))
        except ValueError as error:
            raise BadExpression(str(error).removeprefix("Failed to parse expression ")) from error
        self.variables = frozenset(self._program.variables()) - (NAMESPACES - variables)
        self._check(variables)
        called = frozenset(self._program.functions())
        spaces = (NAMESPACES - variables) & frozenset(self._program.variables())
        self._spaces = {name: mark("namespace", name) for name in spaces}
        self._added = {name: _ADDED[name] for name in called & _ADDED.keys() - _OWN_TOO}
        if "sets" in spaces:
            self._added |= {name: _ADDED[name] for name in _OWN_TOO}
        if called & _MADE:
            self._added["string"] = texts.text_of

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
        context = _library().Context({**self._spaces, **given})
        for name, function in self._added.items():
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


def _renamed(source: str) -> str:
    """What is asked of the optionals that formats answer with is asked of ours: see formats.RENAMED."""
    if "format." not in source:
        return source
    found, at = [], 0
    for text in _TEXT.finditer(source):
        found += [_HELD.sub(_to_ours, source[at : text.start()]), text[0]]
        at = text.end()
    return "".join([*found, _HELD.sub(_to_ours, source[at:])])


def _to_ours(called: re.Match[str]) -> str:
    return f".{formats.RENAMED[called[1]]}"


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
