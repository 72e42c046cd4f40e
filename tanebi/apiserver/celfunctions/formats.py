"""CEL's library of named formats, with the optionals that it answers with. Pure.

Behaviour: k8s.io/apiserver pkg/cel/library format.go. Callers: tanebi.apiserver.cel.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from tanebi.api import names
from tanebi.api.meta import parse_time
from tanebi.apiserver.celfunctions.marks import Function, is_namespace, mark, opened
from tanebi.apiserver.celfunctions.urls import is_url

_FORMAT: Final = "format"
_OPTIONAL: Final = "optional"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

# The evaluator's own functions of these names take its own optionals alone, so what is asked of ours is called otherwise.
RENAMED: Final = {"hasValue": "hasHeldValue", "value": "heldValue", "orValue": "orHeldValue"}

Check = Callable[[str], list[str]]


def _prefix(check: Check) -> Check:
    """Of a name that something is added to: a dash at its end is none."""
    return lambda text: check(f"{text[:-1]}a" if text.endswith("-") else text)


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return []


def _datetime(text: str) -> list[str]:
    try:
        if not _DATETIME.fullmatch(text):
            raise ValueError(text)
        parse_time(text.upper())
    except ValueError:
        return ["invalid datetime"]
    return []


FORMATS: Final[Mapping[str, Check]] = {
    "dns1123Label": names.dns1123_label,
    "dns1123Subdomain": names.dns1123_subdomain,
    "dns1035Label": names.dns1035_label,
    "qualifiedName": names.qualified_name,
    "labelValue": names.label_value,
    "dns1123LabelPrefix": _prefix(names.dns1123_label),
    "dns1123SubdomainPrefix": _prefix(names.dns1123_subdomain),
    "dns1035LabelPrefix": _prefix(names.dns1035_label),
    "uri": lambda text: [] if is_url(text) else ["invalid URI"],
    "uuid": lambda text: [] if _UUID.fullmatch(text) else ["does not match the UUID format"],
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}


def _some(*value: Any) -> dict[str, Any]:
    return mark(_OPTIONAL, list(value))


def _named(namespace: Any, name: str) -> dict[str, Any]:
    if not is_namespace(namespace, _FORMAT):
        raise TypeError("no such overload: named")
    return _some(mark(_FORMAT, name)) if name in FORMATS else _some()


def _maker(name: str) -> Function:
    def make(namespace: Any) -> dict[str, Any]:
        if not is_namespace(namespace, _FORMAT):
            raise TypeError(f"no such overload: {name}")
        return mark(_FORMAT, name)

    return make


def _validate(value: Any, text: str) -> dict[str, Any]:
    """The complaints, when there are some."""
    found = FORMATS[opened(value, _FORMAT)](text)
    return _some(found) if found else _some()


def _value(optional: Any) -> Any:
    held = opened(optional, _OPTIONAL)
    if not held:
        raise ValueError("optional.none() dereference")
    return held[0]


def _or_value(optional: Any, otherwise: Any) -> Any:
    held = opened(optional, _OPTIONAL)
    return held[0] if held else otherwise


FUNCTIONS: Final[Mapping[str, Function]] = {
    "named": _named,
    "validate": _validate,
    **{name: _maker(name) for name in FORMATS},
    **{
        RENAMED["hasValue"]: lambda optional: bool(opened(optional, _OPTIONAL)),
        RENAMED["value"]: _value,
        RENAMED["orValue"]: _or_value,
    },
}
