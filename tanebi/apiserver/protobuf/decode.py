"""A body in `application/vnd.kubernetes.protobuf` to the object that the same body in JSON would be. Pure.

The bytes are a magic number and a runtime.Unknown that holds the type and the message. Fields that no table knows are skipped, as
Kubernetes does under every fieldValidation. Nulls are left out: they mean absence. Caller: tanebi.apiserver.codec.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from tanebi.api.meta import Obj
from tanebi.apiserver.protobuf.messages import SPECIAL, Field, fields_of, known, message_of
from tanebi.apiserver.protobuf.wire import BYTES, Budget, Malformed, numbers, signed, values
from tanebi.kube.errors import BadRequest, UnsupportedMediaType

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
MAGIC: Final = b"k8s\x00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_MAX: Final = 1 << 53  # a float beyond it is not one number of its kind


def decode(body: bytes) -> Obj:
    """Raises BadRequest when the bytes are malformed, UnsupportedMediaType for a kind without a table."""
    if not body.startswith(MAGIC):
        raise BadRequest(
            "provided data does not appear to be a protobuf message: it does not begin with 'k8s\\x00'"
        )
    try:
        return _unknown(body[len(MAGIC) :], Budget())
    except Malformed as error:
        raise BadRequest(f"the body of the request is not valid protobuf: {error}") from error


def _unknown(data: bytes, budget: Budget) -> Obj:
    type_meta: Obj = {}
    raw, encoding, content_type = b"", "", ""
    for number, wire_type, value in values(data, budget):
        if number > 4:
            continue
        if wire_type != BYTES or not isinstance(value, bytes):
            raise Malformed(f"wrong wire type {wire_type} in field {number} of runtime.Unknown")
        if number == 1:
            _message("TypeMeta", value, type_meta, budget)
        elif number == 2:
            raw = value
        elif number == 3:
            encoding = _text(value)
        else:
            content_type = _text(value)
    if encoding or content_type not in ("", MEDIA_TYPE):
        raise Malformed(f"content of type {content_type!r} and encoding {encoding!r} in it")
    return _typed(type_meta, raw, budget)


def _typed(type_meta: Obj, raw: bytes, budget: Budget) -> Obj:
    api_version, kind = type_meta.get("apiVersion", ""), type_meta.get("kind", "")
    if not kind:
        raise Malformed("Object 'Kind' is missing")
    if not api_version:
        raise Malformed("Object 'apiVersion' is missing")
    if not known(api_version, kind):
        raise UnsupportedMediaType(
            f"the body of the request was in an unsupported format: {kind} of {api_version} is not "
            f"read as {MEDIA_TYPE} here; send application/json or application/yaml"
        )
    obj: Obj = {"kind": kind, "apiVersion": api_version}
    _message(message_of(api_version, kind), raw, obj, budget)
    return obj


def _message(name: str, data: bytes, into: Obj, budget: Budget) -> None:
    """Read a message into `into`. What comes again replaces what was, adds to a list or map, or is merged into a message."""
    fields = fields_of(name)
    budget.enter()
    for number, wire_type, value in values(data, budget):
        field = fields.get(number)
        if field is None:
            continue
        try:
            if isinstance(value, bytes) and field.packable and wire_type == BYTES:
                items = [_scalar(field.type, item) for item in numbers(value, budget)]
                into.setdefault(field.name, []).extend(items)
            elif wire_type != field.wire_type:
                raise Malformed(f"wrong wire type {wire_type}")
            else:
                _take(field, value, into, budget)
        except Malformed as error:
            raise error.below(field.name) from error
    budget.leave()


def _take(field: Field, value: int | bytes, into: Obj, budget: Budget) -> None:
    if field.mapped:
        assert isinstance(value, bytes)
        key, found = _entry(field.type, value, budget)
        entries = into.setdefault(field.name, {})
        if found is not None:
            entries[key] = found
    elif field.many:
        into.setdefault(field.name, []).append(_one(field.type, value, {}, budget))
    elif field.is_message:
        inner = into.setdefault(field.name, {}) if field.name else into
        _one(field.type, value, inner, budget)
    else:
        found = _one(field.type, value, {}, budget)
        if found is None or (not found and not field.zeros and field.is_plain):
            into.pop(field.name, None)
        else:
            into[field.name] = found


def _entry(type_: str, data: bytes, budget: Budget) -> tuple[str, Any]:
    """A map's entry: key 1, value 2."""
    key, found, given = "", None, False
    for number, wire_type, value in values(data, budget):
        if number > 2:
            continue
        if wire_type != BYTES or not isinstance(value, bytes):
            raise Malformed(f"wrong wire type {wire_type}")
        if number == 1:
            key = _text(value)
        else:
            found = _one(type_, value, {}, budget)
            given = True
    return key, found if given else _one(type_, b"", {}, budget)


def _one(type_: str, value: int | bytes, into: Obj, budget: Budget) -> Any:
    if isinstance(value, int):
        return _scalar(type_, value)
    match type_:
        case "string":
            return _text(value)
        case "bytes":
            return base64.b64encode(value).decode()
        case "Json":
            return _json(value)
        case "double":
            return _float(value)
    _message(type_, value, into, budget)
    form = _FORMS.get(type_)
    return form(into, bool(value)) if form is not None else into


def _scalar(type_: str, value: int) -> int | bool:
    match type_:
        case "bool":
            return value != 0
        case "int32":
            return signed(value, 32)
    return signed(value, 64)


def _float(value: bytes) -> int | float:
    (number,) = struct.unpack("<d", value)
    if not math.isfinite(number):
        raise Malformed(f"no number: {number}")
    whole = number.is_integer() and abs(number) < _WHOLE_MAX
    return int(number) if whole else float(number)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason}") from error


def _json(value: bytes) -> Any:
    if not value:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from error


def _time(seconds: int, nanos: int, precision: str) -> str:
    try:
        at = _EPOCH + timedelta(seconds=seconds, microseconds=int(nanos / 1000))
    except OverflowError as error:
        raise Malformed(f"no time: {seconds} s after 1970") from error
    return at.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def _int_or_string(found: Obj) -> int | str:
    chosen = found.get("type", 0)
    if chosen not in (0, 1):
        raise Malformed(f"neither number nor string: type {chosen}")
    value: int | str = found.get("strVal", "") if chosen else found.get("intVal", 0)
    return value


def _or_bool(found: Obj) -> Any:
    return found["schema"] if "schema" in found else found.get("allows", False)


# Messages that are something else in JSON: what is in them, and whether there was anything.
_FORMS: Final[dict[str, Callable[[Obj, bool], Any]]] = {
    "Time": lambda found, given: _time(found.get("seconds", 0), 0, "seconds") if given else None,
    "MicroTime": lambda found, given: (
        _time(found.get("seconds", 0), found.get("nanos", 0), "microseconds") if given else None
    ),
    "Quantity": lambda found, _: found.get("string") or "0",
    "FieldsV1": lambda found, _: found.get("Raw"),
    "JSON": lambda found, _: found.get("Raw"),
    "IntOrString": lambda found, _: _int_or_string(found),
    "ExtraValue": lambda found, _: found.get("items", []),
    "JSONSchemaPropsOrArray": lambda found, _: found.get("many") or found.get("schema"),
    "JSONSchemaPropsOrStringArray": lambda found, _: found.get("property") or found.get("schema"),
    "JSONSchemaPropsOrBool": lambda found, _: _or_bool(found),
}
assert _FORMS.keys() == SPECIAL
