"""CEL's functions on text: the extended string library, and that of regular expressions. Pure.

Behaviour: cel-go ext/strings.go (version 2) and formatting, k8s.io/apiserver pkg/cel/library regex.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import re2

from tanebi.api.meta import rfc3339
from tanebi.apiserver.celfunctions.marks import VALUE, Function, is_namespace, kind_of

_SPACE: Final = " \t\n\r\v\f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
_CLAUSE: Final = re.compile(r"%(?:\.(\d+))?([a-zA-Z%])")
_RAISED: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LOWER: Final = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)})
_UPPER: Final = str.maketrans({chr(code): chr(code - 32) for code in range(97, 123)})


def _place(text: str, at: int) -> int:
    if not 0 <= at <= len(text):
        raise IndexError(f"index out of range: {at}")
    return at


def _index_of(whole: Any, part: Any, at: int = 0) -> int:
    if isinstance(whole, str):
        return whole.find(part, _place(whole, at))
    return next((n for n, one in enumerate(whole) if one == part), -1)


def _last_index_of(whole: Any, part: Any, at: int | None = None) -> int:
    if isinstance(whole, str):
        end = None if at is None else _place(whole, at) + len(part)
        return whole.rfind(part, 0, end)
    return max((n for n, one in enumerate(whole) if one == part), default=-1)


def _split(text: str, by: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if by:
        return text.split(by, count - 1 if count > 0 else -1)
    if count > 0 and count < len(text):
        return [*text[: count - 1], text[count - 1 :]]
    return list(text)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = _place(text, len(text) if end is None else end)
    if _place(text, start) > last:
        raise IndexError(f"invalid substring range: start {start}, end {last}")
    return text[start:last]


def _find(text: str, pattern: str) -> str:
    found = re2.search(pattern, text)
    return str(found[0]) if found else ""


def _find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    found = [str(match[0]) for match in re2.finditer(pattern, text)]
    return found if count < 0 else found[:count]


def _format(text: Any, values: list[Any]) -> str:
    left = list(values)

    def put_in(clause: re.Match[str]) -> str:
        if clause[2] == "%":
            return "%"
        if not left:
            raise IndexError(f"index {len(values)} out of range")
        return _shown(left.pop(0), clause[2], int(clause[1] or 6))

    return _CLAUSE.sub(put_in, text)


def _shown(value: Any, verb: str, precision: int) -> str:
    match verb:
        case "s":
            return text_of(value)
        case "d" if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        case "f":
            return f"{float(value):.{precision}f}"
        case "e":
            mantissa, _, power = f"{float(value):.{precision}e}".partition("e")
            raised = f"{int(power):03d}" if int(power) < 0 else f"{int(power):02d}"
            return f"{mantissa}\u202f×\u202f10{raised.translate(_RAISED)}"
        case "x" | "X" if isinstance(value, str):
            found = value.encode().hex()
            return found if verb == "x" else found.upper()
        case "x" | "X" | "o" | "b":
            return format(value, verb)
    raise ValueError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')


def text_of(value: Any) -> str:
    """As `%s` shows a value, and as `string()` gives it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inside, value))}]"
    if kind_of(value):
        return str(value[VALUE])
    if isinstance(value, dict):
        members = sorted((_inside(k), _inside(v)) for k, v in value.items())
        return f"{{{', '.join(f'{k}: {v}' for k, v in members)}}}"
    return _plain(value)


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode()
        case None:
            return "null"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
        case datetime():
            return rfc3339(value)
        case timedelta():
            return f"{_plain(value.total_seconds())}s"
    return str(value)


def _inside(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text_of(value)


def _quote(namespace: Any, text: str) -> str:
    if not is_namespace(namespace, "strings"):
        raise TypeError("no such overload: quote")
    return json.dumps(text, ensure_ascii=False)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "charAt": lambda text, at: text[_place(text, at) : at + 1],
    "find": _find,
    "findAll": _find_all,
    "format": _format,
    "indexOf": _index_of,
    "join": lambda parts, by="": by.join(parts),
    "lastIndexOf": _last_index_of,
    "lowerAscii": lambda text: text.translate(_LOWER),
    "quote": _quote,
    "replace": lambda text, old, new, count=-1: text.replace(old, new, count),
    "split": _split,
    "substring": _substring,
    "trim": lambda text: text.strip(_SPACE),
    "upperAscii": lambda text: text.translate(_UPPER),
}
