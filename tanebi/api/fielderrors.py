"""Located errors, accumulated, in Knative's words (reference/knative-serving.md §1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

Level = Literal["error", "warning", "callback"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One message about one or more paths. Functions build it bottom-up: `.via("spec").via_index("traffic", 2)`.

    Level "callback": found by trying what the object asks for; told only when nothing else is wrong.
    """

    message: str
    paths: tuple[str, ...] = ("",)
    details: str = ""
    level: Level = "error"

    def via(self, prefix: str) -> FieldError:
        """The same error seen from one level up."""
        return replace(self, paths=tuple(_join(prefix, path) for path in self.paths))

    def via_index(self, name: str, index: int) -> FieldError:
        return self.via(f"{name}[{index}]")

    def via_key(self, name: str, key: str) -> FieldError:
        return self.via(f"{name}[{key}]")

    def as_warning(self) -> FieldError:
        return replace(self, level="warning")


def _join(prefix: str, path: str) -> str:
    if not path:
        return prefix
    return f"{prefix}{path}" if path.startswith("[") else f"{prefix}.{path}"


def via(prefix: str, errors: Iterable[FieldError]) -> list[FieldError]:
    """Every error seen from one level up."""
    return [error.via(prefix) for error in errors]


def render(errors: Iterable[FieldError]) -> str:
    """Equal messages share a line; lines are sorted, as Knative's FieldError prints them."""
    merged: dict[tuple[str, str], set[str]] = {}
    for error in errors:
        merged.setdefault((error.message, error.details), set()).update(error.paths)
    lines = []
    for (message, details), paths in sorted(merged.items()):
        where = ", ".join(sorted(path for path in paths if path))
        line = f"{message}: {where}" if where else message
        lines.append(f"{line}\n{details}" if details else line)
    return "\n".join(lines)


def missing(*paths: str) -> FieldError:
    return FieldError("missing field(s)", paths)


def disallowed(*paths: str) -> FieldError:
    return FieldError("must not set the field(s)", paths)


def invalid(value: Any, path: str, details: str = "") -> FieldError:
    return FieldError(f"invalid value: {value}", (path,), details)


def invalid_key(key: str, path: str, details: str = "") -> FieldError:
    return FieldError(f'invalid key name "{key}"', (path,), details)


def out_of_bounds(value: Any, low: Any, high: Any, path: str) -> FieldError:
    return FieldError(f"expected {low} <= {value} <= {high}", (path,))


def one_of_neither(*paths: str) -> FieldError:
    return FieldError("expected exactly one, got neither", paths)


def one_of_both(*paths: str) -> FieldError:
    return FieldError("expected exactly one, got both", paths)


def immutable(details: str, *paths: str) -> FieldError:
    """`details` is the difference, one `-old` and one `+new` line a change."""
    return FieldError("Immutable fields changed (-old +new)", paths, details)
