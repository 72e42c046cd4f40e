"""decode(encode(x)) == x for each kind; and the encoder of the tests says what Go says, so that the tables are not their own
witness."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanebi.api.meta import drop_nulls
from tanebi.apiserver.protobuf.decode import MAGIC, decode
from tanebi.apiserver.protobuf.messages import DELETE_OPTIONS, ROOTS, Field, fields_of, message_of
from tanebi.apiserver.protobuf.wire import BYTES, VARINT, Budget, values
from tests.tanebi.apiserver.protobuf.encoding import VECTORS, encode

KINDS: Final = [*sorted(ROOTS), ("v1", DELETE_OPTIONS)]
DEPTH_MAX: Final = 7
MEMBERS_MAX: Final = 4


def _times(timespec: str) -> st.SearchStrategy[str]:
    stamps = st.datetimes(timezones=st.just(UTC))
    return stamps.map(lambda at: at.isoformat(timespec=timespec).removesuffix("+00:00") + "Z")


TEXT: Final = st.text(max_size=4)
JSON: Final = st.recursive(
    st.integers(-9, 9) | TEXT | st.booleans(), lambda one: st.lists(one, max_size=2), max_leaves=3
)
PLAIN: Final[dict[str, st.SearchStrategy[Any]]] = {
    "string": TEXT,
    "bool": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=4).map(lambda data: base64.b64encode(data).decode()),
    "Json": JSON,
    "JSON": JSON,
    "FieldsV1": st.dictionaries(TEXT, st.just({}), max_size=2),
    "Time": _times("seconds"),
    "MicroTime": _times("microseconds"),
    "Quantity": st.sampled_from(["0", "1", "100m", "1Gi"]),
    "IntOrString": st.integers(-(2**31), 2**31 - 1) | TEXT,
    "ExtraValue": st.lists(TEXT, max_size=2),
}
ZEROS: Final = ("", 0, False)


@cache
def strategy(message: str, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a message, with a few of its members each."""
    fields = fields_of(message)
    embedded = [f.type for f in fields.values() if not f.name]
    own = {f.name: f for f in fields.values() if f.name and (depth < DEPTH_MAX or f.type in PLAIN)}

    def build(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if own:
            names = st.lists(st.sampled_from(sorted(own)), max_size=MEMBERS_MAX, unique=True)
            for name in draw(names):
                found[name] = draw(_member(own[name], depth))
        for type_ in embedded:
            found |= draw(strategy(type_, depth + 1))
        return found

    return st.composite(build)()


def _member(field: Field, depth: int) -> st.SearchStrategy[Any]:
    one = _value(field.type, depth)
    if field.mapped:
        return st.dictionaries(TEXT, one, min_size=1, max_size=2)
    if field.many:
        return st.lists(one, min_size=1, max_size=2)
    if field.is_plain and not field.zeros:
        return one.filter(lambda value: value not in ZEROS and value not in ([], {}))
    return one


def _value(type_: str, depth: int) -> st.SearchStrategy[Any]:
    if type_ in PLAIN:
        return PLAIN[type_]
    if type_.startswith("JSONSchemaPropsOr"):
        schema = strategy("JSONSchemaProps", depth + 1)
        match type_.removeprefix("JSONSchemaPropsOr"):
            case "Bool":
                return schema | st.booleans()
            case "Array":
                return schema | st.lists(schema, min_size=1, max_size=2)
        return schema | st.lists(TEXT, min_size=1, max_size=2)
    return strategy(type_, depth + 1)


@pytest.mark.parametrize("kind", KINDS, ids="/".join)
def test_what_is_encoded_is_decoded_as_it_was(kind: tuple[str, str]) -> None:
    version, name = kind

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy(message_of(version, name), 0))
    def round_trip(body: dict[str, Any]) -> None:
        obj = {"kind": name, "apiVersion": version, **body}
        assert decode(encode(obj)) == obj

    round_trip()


def meant(message: str, data: bytes) -> list[Any]:
    """What bytes say, whatever order and however much of what is zero they spell out."""
    found = []
    fields = fields_of(message)
    for number, wire_type, value in values(data, Budget()):
        field = fields[number]
        if wire_type == BYTES and field.mapped:
            entry = {n: v for n, _, v in values(value, Budget())}  # type: ignore[arg-type]
            inner = entry.get(2, b"")
            if field.type == "Time" and not inner:
                continue  # a null, which our objects do not have
            shown: Any = [entry.get(1, b""), _below(field.type, inner)]  # type: ignore[arg-type]
        elif wire_type == BYTES and field.type not in ("string", "bytes", "Json"):
            shown = _below(field.type, value)  # type: ignore[arg-type]
            if not shown and not field.many:
                continue  # a message in which nothing is said
        elif field.type == "Json" and not field.mapped:
            shown = json.loads(value or b"null")
        elif wire_type == VARINT and not value and not field.many:
            continue
        else:
            shown = value
        if shown or field.many:
            found.append([number, shown])
    return sorted(found, key=repr)


def _below(type_: str, value: bytes) -> Any:
    return value if type_ in ("string", "bytes", "Json") else meant(type_, value)


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"{v['object']['apiVersion']}/{v['kind']}-{v['variant']}"
)
def test_the_encoder_says_what_go_says(vector: dict[str, Any]) -> None:
    obj = drop_nulls(vector["object"])
    message = message_of(obj["apiVersion"], obj["kind"])

    def raw(body: bytes) -> bytes:
        parts = {n: v for n, _, v in values(body[len(MAGIC) :], Budget())}
        return parts.get(2, b"")  # type: ignore[return-value]

    ours, gos = encode(obj), base64.b64decode(vector["protobuf"])
    assert meant(message, raw(ours)) == meant(message, raw(gos))
