"""Values of Kubernetes' own CEL types, as values that the evaluator can carry. Pure.

The evaluator knows maps: a quantity, an address, a format or an optional is a map with a mark that no JSON object of a user
has. What is equal has equal maps, so `==` holds without a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

MARK: Final = "\0kind"
VALUE: Final = "value"
# Names that stand before a dot and are no variables: `sets.contains(…)`.
NAMESPACES: Final = frozenset({"ip", "sets", "format", "strings", "optional"})

Function = Callable[..., Any]


def mark(kind: str, value: Any) -> dict[str, Any]:
    return {MARK: kind, VALUE: value}


def kind_of(value: Any) -> str:
    """Empty for what is no value of ours."""
    return str(value.get(MARK, "")) if isinstance(value, dict) else ""


def opened(value: Any, kind: str) -> Any:
    """What is inside. Raises TypeError."""
    if kind_of(value) != kind:
        raise TypeError(f"no such overload: expected {kind}, got {type(value).__name__}")
    return value[VALUE]


def is_namespace(value: Any, name: str) -> bool:
    return kind_of(value) == "namespace" and bool(value[VALUE] == name)
