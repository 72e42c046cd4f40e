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
    return FieldError(f"Invalid value: {json.dumps(value)}: {detail}", (path,))


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(f"Duplicate value: {json.dumps(value)}", (path,))


def not_supported(path: str, value: str, supported: Sequence[str]) -> FieldError:
    names = ", ".join(json.dumps(name) for name in sorted(supported))
    return FieldError(f"Unsupported value: {json.dumps(value)}: supported values: {names}", (path,))


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(f"Forbidden: {detail}", (path,))
