"""The part of Go's text/template that Knative's ConfigMaps need: `{{.Name}}` and `{{index .Labels "key"}}`.

Not a template language: conditions, loops and functions are refused when the ConfigMap is parsed, never at run time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Values = Mapping[str, str | Mapping[str, str]]

_ACTION: Final = re.compile(r"(\s*)\{\{(-\s)?\s*(.*?)\s*(\s-)?\}\}(\s*)", re.DOTALL)
_FIELD: Final = re.compile(r"\.(\w+)")
_INDEX: Final = re.compile(r"""index\s+\.(\w+)\s+(?:"([^"]*)"|`([^`]*)`)""")


@dataclass(frozen=True, slots=True)
class _Step:
    """Literal text, or one field (`key` is set for a member of a map)."""

    literal: str = ""
    field: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. `fields` are the names it mentions."""

    source: str
    _steps: tuple[_Step, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(step.field for step in self._steps if step.field)

    def render(self, values: Values) -> str:
        """Fill in. A key that a map does not have is empty, as in Go. Raises KeyError for an unknown field."""
        return "".join(_show(step, values) for step in self._steps)


def parse(source: str, *, fields: frozenset[str]) -> Template:
    """Raises ValueError for anything but the given fields and `index` into them."""
    steps: list[_Step] = []
    at = 0
    for found in _ACTION.finditer(source):
        before, trim_left, action, trim_right, after = found.groups()
        start = found.start() if trim_left else found.start() + len(before)
        end = found.end() if trim_right else found.end() - len(after)
        steps += [_Step(literal=source[at:start]), _action(action, source, fields)]
        at = end
    rest = source[at:]
    if "{{" in rest or "}}" in rest:
        raise ValueError(f"unclosed action in template {source!r}")
    return Template(source, (*steps, _Step(literal=rest)))


def _action(action: str, source: str, fields: frozenset[str]) -> _Step:
    if found := _FIELD.fullmatch(action):
        step = _Step(field=found[1])
    elif found := _INDEX.fullmatch(action):
        step = _Step(field=found[1], key=found[2] if found[2] is not None else found[3])
    else:
        raise ValueError(
            f"template {source!r} uses {action!r}: only fields and index are supported"
        )
    if step.field not in fields:
        raise ValueError(f"template {source!r} uses unknown field .{step.field}")
    return step


def _show(step: _Step, values: Values) -> str:
    if not step.field:
        return step.literal
    value = values[step.field]
    if step.key is not None:
        return value.get(step.key, "") if isinstance(value, Mapping) else ""
    return value if isinstance(value, str) else str(dict(value))
