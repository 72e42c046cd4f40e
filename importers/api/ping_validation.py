"""What a PingSource must be, in Knative's words."""

from __future__ import annotations

import base64
import binascii
import json

from importers.api.ping_config import PING_DEFAULTS
from importers.api.ping_types import PingSource, PingSourceSpec
from importers.api.source_validation import validate_sink
from tanebi.api.fielderrors import FieldError, invalid, one_of_both, via
from tanebi.api.kind import Admission
from tanebi.api.schedule import BadSchedule, BadZone, parse

JSON: str = "application/json"


def validate(source: PingSource, old: PingSource | None, admission: Admission) -> list[FieldError]:
    spec = source.spec
    errors = _schedule(spec)
    errors += validate_sink(spec.sink)
    errors += _data(spec, data_max=admission.configs.get(PING_DEFAULTS).data_max_bytes)
    return via("spec", errors)


def _schedule(spec: PingSourceSpec) -> list[FieldError]:
    try:
        parse(spec.schedule, spec.timezone)
    except BadZone as error:
        return [invalid(error, "timezone")]
    except BadSchedule as error:
        return [invalid(error, "schedule")]
    return []


def _data(spec: PingSourceSpec, *, data_max: int) -> list[FieldError]:
    if spec.data and spec.data_base64:
        return [one_of_both("data", "dataBase64")]
    if spec.data_base64:
        return _base64(spec, data_max)
    if spec.data:
        size = len(spec.data.encode())
        return _size(size, data_max, "data") + _json(spec, spec.data.encode(), "data")
    return []


def _base64(spec: PingSourceSpec, data_max: int) -> list[FieldError]:
    errors = _size(len(spec.data_base64), data_max, "dataBase64")
    try:
        decoded = base64.b64decode(spec.data_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        return [*errors, invalid(f"illegal base64 data: {error}", "dataBase64")]
    return errors + _json(spec, decoded, "dataBase64")


def _size(size: int, data_max: int, path: str) -> list[FieldError]:
    if 0 <= data_max < size:
        text = f"the {path} length of {size} bytes exceeds limit set at {data_max}."
        return [invalid(text, path)]
    return []


def _json(spec: PingSourceSpec, data: bytes, path: str) -> list[FieldError]:
    if spec.content_type != JSON:
        return []
    try:
        value = json.loads(data)
    except ValueError as error:
        return [invalid(error, path)]
    if not isinstance(value, dict | None):
        return [invalid("a JSON object is expected", path)]
    return []
