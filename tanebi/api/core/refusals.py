"""Errors in Kubernetes' own words (apimachinery field.Error), for the kinds that are Kubernetes' own.

The API server shows them as `spec.replicas: Invalid value: -1: must be greater than or equal to 0`: path first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tanebi.api.fielderrors import FieldError


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(f"Required value: {detail}" if detail else "Required value", (path,))


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(f"Invalid value: {_shown(value)}: {detail}", (path,))


def _shown(value: Any) -> str:
    """As Go's %#v prints values of its types."""
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
    return FieldError(f"Duplicate value: {json.dumps(value)}", (path,))


def not_supported(path: str, value: str, supported: Sequence[str]) -> FieldError:
    names = ", ".join(json.dumps(name) for name in sorted(supported))
    return FieldError(f"Unsupported value: {json.dumps(value)}: supported values: {names}", (path,))


def one_of(path: str, value: str, supported: Sequence[str]) -> FieldError:
    """The same, where Kubernetes names them in an order of its own."""
    names = ", ".join(map(json.dumps, supported))
    return FieldError(f"Unsupported value: {json.dumps(value)}: supported values: {names}", (path,))


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(f"Forbidden: {detail}", (path,))
