"""Reading single keys of a ConfigMap. Every failure is a ValueError that names the key and the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from tanebi.api import durations, quantity

T = TypeVar("T")
U = TypeVar("U")
Data = Mapping[str, str]

INT_MAX: Final = 2**63 - 1
INT32_MAX: Final = 2**31 - 1

_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def read(data: Data, key: str, default: T, convert: Callable[[str], U]) -> T | U:
    """`convert(data[key])`, or the default when the key is absent. Raises ValueError naming key and value."""
    text = data.get(key)
    if text is None:
        return default
    try:
        return convert(text)
    except ValueError as error:
        raise ValueError(f"failed to parse {key!r}: {text!r}: {error}") from error


def text(data: Data, key: str, default: str) -> str:
    return data.get(key, default)


def boolean(data: Data, key: str, default: bool) -> bool:
    return read(data, key, default, parse_bool)


def integer(data: Data, key: str, default: int, *, low: int, high: int = INT_MAX) -> int:
    """A whole number within `low`..`high`."""
    value = read(data, key, default, parse_int)
    if not low <= value <= high:
        raise ValueError(f"{key} = {value} is outside [{low}, {high}]")
    return value


def seconds(data: Data, key: str, default: float) -> float:
    """A Go duration such as `1m30s`."""
    return read(data, key, default, durations.parse_go)


def amount(data: Data, key: str, default: str | None = None) -> str | None:
    """A quantity such as `100m`, checked and kept as written. None: not set."""
    return read(data, key, default, _quantity)


def names(data: Data, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """A comma separated list without blanks and duplicates, sorted."""
    found = data.get(key)
    if found is None:
        return default
    return tuple(sorted({part.strip() for part in found.split(",")} - {""}))


def parse_bool(value: str) -> bool:
    """The spellings of Go's strconv.ParseBool."""
    found = _BOOLS.get(value.strip())
    if found is None:
        raise ValueError("not a boolean (true or false)")
    return found


def parse_int(value: str) -> int:
    stripped = value.strip()
    if not stripped.removeprefix("-").removeprefix("+").isdecimal() or not stripped.isascii():
        raise ValueError("not a whole number")
    return int(stripped)


def _quantity(value: str) -> str:
    quantity.parse(value.strip())
    return value.strip()
