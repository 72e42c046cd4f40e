"""The JSONPath of printer columns and scale paths. Pure.

The subset Kubernetes' CRDs use: members (`.status.url`, dots escaped as `\\.`), `['member']`, `[0]`, `[*]`, and
`[?(@.type=='Ready')]`. A path that leads nowhere gives no values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

_STEP: Final = re.compile(
    r"\.(?P<member>(?:\\.|[^.\[\\])+)"
    r"|\[(?P<quote>['\"])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\]"
    r"|\[(?P<index>-?\d+)\]"
    r"|(?P<all>\[\*\])"
    r"|\[\?\(@\.(?P<field>[^=!\s]+)\s*(?P<op>==|!=)\s*(?P<q>['\"])(?P<value>.*?)(?P=q)\)\]"
)

Step = Callable[[Any], Iterable[Any]]


def find(path: str, obj: Any) -> list[Any]:
    """Every value at `path`. Raises ValueError on a path outside the subset."""
    values = [obj]
    for step in compiled(path):
        values = [found for value in values for found in step(value)]
    return values


def first(path: str, obj: Any) -> Any:
    """The first value at `path`, or None."""
    found = find(path, obj)
    return found[0] if found else None


@cache
def compiled(path: str) -> tuple[Step, ...]:
    """Raises ValueError."""
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"unsupported JSONPath {path!r} at {text[at:]!r}")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if (index := match["index"]) is not None:
        return lambda value: _item(value, int(index))
    if match["all"]:
        return lambda value: value if isinstance(value, list) else _members(value)
    if (field := match["field"]) is not None:
        equal, wanted = match["op"] == "==", match["value"]
        return lambda value: _filter(value, field, wanted, equal=equal)
    name = re.sub(r"\\(.)", r"\1", match["member"] or match["quoted"] or "")
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _item(value: Any, index: int) -> tuple[Any, ...]:
    if isinstance(value, list) and -len(value) <= index < len(value):
        return (value[index],)
    return ()


def _members(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else ()


def _filter(value: Any, field: str, wanted: str, *, equal: bool) -> list[Any]:
    if not isinstance(value, list):
        return []
    return [
        item
        for item in value
        if isinstance(item, dict) and (str(item.get(field)) == wanted) == equal
    ]
