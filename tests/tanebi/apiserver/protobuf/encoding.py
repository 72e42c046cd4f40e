"""What Go's client sent, and an object to such bytes: the tables of the decoder, read the other way round."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tanebi.apiserver.protobuf.decode import MAGIC
from tanebi.apiserver.protobuf.messages import Field, fields_of, message_of
from tanebi.apiserver.protobuf.wire import BYTES, FIXED64, VARINT

VECTORS: Final[list[dict[str, Any]]] = [  # README.md tells how they were made
    vector
    for name in (
        "vectors.json",
        "vectors_workload.json",
        "vectors_identity.json",
        "vectors_policies.json",
    )
    for vector in json.loads((Path(__file__).parent / name).read_text())
]
_MASK: Final = (1 << 64) - 1


def encode(obj: dict[str, Any]) -> bytes:
    version, kind = obj["apiVersion"], obj["kind"]
    body = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}
    raw = message(message_of(version, kind), body)
    meta = message("TypeMeta", {"apiVersion": version, "kind": kind})
    return MAGIC + _field(1, BYTES, meta) + _field(2, BYTES, raw)


def message(name: str, value: dict[str, Any]) -> bytes:
    return b"".join(_members(name, value))


def _members(name: str, value: dict[str, Any]) -> Iterator[bytes]:
    for number, field in sorted(fields_of(name).items()):
        if not field.name:
            below = message(field.type, value)
            if below:
                yield _field(number, BYTES, below)
        elif field.name in value:
            yield from _of(number, field, value[field.name])


def _of(number: int, field: Field, value: Any) -> Iterator[bytes]:
    if field.mapped:
        for key, member in value.items():
            entry = _field(1, BYTES, key.encode()) + _field(2, BYTES, _inner(field.type, member))
            yield _field(number, BYTES, entry)
    elif field.many:
        for item in value:
            yield _one(number, field, item)
    else:
        yield _one(number, field, value)


def _one(number: int, field: Field, value: Any) -> bytes:
    match field.wire_type:
        case 0:
            return _field(number, VARINT, int(value))
        case 1:
            return _varint(number << 3 | FIXED64) + struct.pack("<d", value)
    return _field(number, BYTES, _inner(field.type, value))


def _inner(type_: str, value: Any) -> bytes:
    match type_:
        case "string":
            return str(value).encode()
        case "bytes":
            return base64.b64decode(value)
        case "Json":
            return json.dumps(value).encode()
        case "Time" | "MicroTime":
            at = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
            whole = {"seconds": int(at.timestamp() // 1), "nanos": at.microsecond * 1000}
            return message(type_, whole)
        case "Quantity":
            return message(type_, {"string": value})
        case "FieldsV1" | "JSON":
            return message(type_, {"Raw": value})
        case "IntOrString":
            text = isinstance(value, str)
            return message(type_, {"type": int(text), "strVal" if text else "intVal": value})
        case "ExtraValue":
            return message(type_, {"items": value})
        case "JSONSchemaPropsOrArray":
            return message(type_, {"many" if isinstance(value, list) else "schema": value})
        case "JSONSchemaPropsOrStringArray":
            return message(type_, {"property" if isinstance(value, list) else "schema": value})
        case "JSONSchemaPropsOrBool":
            given = (
                {"allows": value} if isinstance(value, bool) else {"allows": True, "schema": value}
            )
            return message(type_, given)
    return message(type_, value)


def _field(number: int, wire_type: int, value: int | bytes) -> bytes:
    tag = _varint(number << 3 | wire_type)
    if isinstance(value, int):
        return tag + _varint(value & _MASK)
    return tag + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
