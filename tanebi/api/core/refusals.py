"""Errors in Kubernetes' own words (apimachinery field.Error), for the kinds that are Kubernetes' own.

The API server shows them as `spec.replicas: Invalid value: -1: must be greater than or equal to 0`: path first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api import names
from tanebi.api.fielderrors import FieldError

PORT_MAX: Final = 65535
_PERCENT: Final = re.compile(r"[0-9]+%")
_PERCENT_HINT: Final = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
    "regex used for validation is '[0-9]+%')"
)


@dataclass(frozen=True, slots=True)
class GoValue:
    """A value that Kubernetes' texts show as Go writes it (%#v), types and all."""

    text: str


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(f"Required value: {detail}" if detail else "Required value", (path,))


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(f"Invalid value: {_shown(value)}: {detail}", (path,))


def _shown(value: Any) -> str:
    """As Go's %#v prints values of its types."""
    if isinstance(value, GoValue):
        return value.text
    if not isinstance(value, dict):
        return json.dumps(value)
    if set(value) == {"matchLabels", "matchExpressions"}:
        labels, terms = value["matchLabels"], value["matchExpressions"]
        shown = ", ".join(map(_requirement, terms))
        listed = f"{{{shown}}}" if terms else "(nil)"
        return (
            f"v1.LabelSelector{{MatchLabels:{_map(labels)}, "
            f"MatchExpressions:[]v1.LabelSelectorRequirement{listed}}}"
        )
    return _map(value)


def _map(value: dict[str, Any]) -> str:
    members = ", ".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in sorted(value.items()))
    return f"map[string]string{{{members}}}" if value else "map[string]string(nil)"


def _requirement(term: dict[str, Any]) -> str:
    values = ", ".join(json.dumps(v) for v in term.get("values") or ())
    listed = f"{{{values}}}" if values else "(nil)"
    key, operator = json.dumps(term.get("key", "")), json.dumps(term.get("operator", ""))
    return f"v1.LabelSelectorRequirement{{Key:{key}, Operator:{operator}, Values:[]string{listed}}}"


def duplicate(path: str, value: Any) -> FieldError:
    shown = value.text if isinstance(value, GoValue) else json.dumps(value)
    return FieldError(f"Duplicate value: {shown}", (path,))


def not_supported(path: str, value: str, supported: Sequence[str]) -> FieldError:
    names = ", ".join(json.dumps(name) for name in sorted(supported))
    return FieldError(f"Unsupported value: {json.dumps(value)}: supported values: {names}", (path,))


def one_of(path: str, value: str | GoValue, supported: Sequence[str]) -> FieldError:
    """The same, where Kubernetes names them in an order of its own."""
    names = ", ".join(map(json.dumps, supported))
    return FieldError(f"Unsupported value: {_shown(value)}: supported values: {names}", (path,))


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(f"Forbidden: {detail}", (path,))


def int_or_string(value: int | str) -> GoValue:
    if isinstance(value, str):
        return GoValue(f"intstr.IntOrString{{Type:1, IntVal:0, StrVal:{json.dumps(value)}}}")
    return GoValue(f'intstr.IntOrString{{Type:0, IntVal:{value}, StrVal:""}}')


def amount_errors(path: str, value: int | str | None) -> Iterator[FieldError]:
    """Of what must be a count, or a share of 100 %."""
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        yield invalid(path, int_or_string(value), _PERCENT_HINT)
    elif isinstance(value, str) and int(value[:-1]) > 100:
        yield invalid(path, int_or_string(value), "must not be greater than 100%")
    elif isinstance(value, int) and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")


def port_errors(path: str, port: int | str) -> Iterator[FieldError]:
    """Of a port by its number or its name."""
    if isinstance(port, int):
        if not 1 <= port <= PORT_MAX:
            yield invalid(path, port, f"must be between 1 and {PORT_MAX}, inclusive")
        return
    yield from (invalid(path, port, why) for why in names.port_name(port))


def is_nothing(value: int | str | None) -> bool:
    """Of a count or share: none at all."""
    return value is None or str(value).removesuffix("%").lstrip("0") == ""
