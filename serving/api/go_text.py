"""How Go prints values, escapes texts and spells names of headers. Pure. Caller: serving.api.request_template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

_JS: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}
_HTML: Final = {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"}
_NAME: Final = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")


def shown(value: Any) -> str:
    """As by `%v`."""
    match value:
        case str():
            return value
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return number(value)
        case Mapping():
            return f"map[{' '.join(f'{k}:{shown(v)}' for k, v in sorted(value.items()))}]"
        case list():
            return f"[{' '.join(map(shown, value))}]"
    return str(value)


def joined(values: Sequence[Any]) -> str:
    """As by `fmt.Sprint`: a space stands between two values that are both no text."""
    parts: list[str] = []
    for i, value in enumerate(values):
        if i and not isinstance(value, str) and not isinstance(values[i - 1], str):
            parts.append(" ")
        parts.append(shown(value))
    return "".join(parts)


def number(value: float) -> str:
    """The shortest digits that mean this number, without a point when it is whole."""
    text = repr(value)
    return text.removesuffix(".0")


def js(text: str) -> str:
    return "".join(_JS.get(c) or (c if c.isprintable() else f"\\u{ord(c):04X}") for c in text)


def html(text: str) -> str:
    return "".join(_HTML.get(c, c) for c in text)


def urlquery(text: str) -> str:
    return quote_plus(text, safe="")


def canonical(name: str) -> str:
    """`x-b3-traceid` becomes `X-B3-Traceid`; what is no name stays as it is."""
    if not _NAME.fullmatch(name):
        return name
    return "-".join(part.capitalize() for part in name.split("-"))


def unquoted(literal: str) -> str:
    """A text in quotes or backquotes. Raises ValueError for an escape that JSON does not have."""
    if literal.startswith("`"):
        return literal[1:-1]
    try:
        return str(json.loads(literal))
    except ValueError as error:
        raise ValueError(f"{literal} is not a text: escapes are those of JSON") from error
