"""The files of vectors hold, for each kind, bytes that client-go 0.32 wrote and the JSON that Go gives for the object read back:
one with every field set by reflection, one with every pointer and list set to zero values, one empty. The README tells how."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import drop_nulls
from tanebi.apiserver.protobuf.decode import MAGIC, decode
from tanebi.kube.errors import BadRequest, UnsupportedMediaType
from tests.tanebi.apiserver.protobuf.encoding import VECTORS

BODIES: Final = [base64.b64decode(vector["protobuf"]) for vector in VECTORS]


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"{v['object']['apiVersion']}/{v['kind']}-{v['variant']}"
)
def test_what_client_go_writes_is_what_go_reads(vector: dict[str, Any]) -> None:
    assert decode(base64.b64decode(vector["protobuf"])) == drop_nulls(vector["object"])


@given(
    st.sampled_from(BODIES),
    st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 255)), max_size=8),
    st.integers(min_value=0),
)
def test_any_change_of_the_bytes_gives_an_object_or_a_refusal(
    body: bytes, edits: list[tuple[int, int]], cut: int
) -> None:
    changed = bytearray(body)
    for at, byte in edits:
        changed[at % len(changed)] = byte
    if cut % 3 == 0:
        del changed[cut % len(changed) :]
    with suppress(BadRequest, UnsupportedMediaType):
        json.dumps(decode(bytes(changed)))


@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_refusal(data: bytes) -> None:
    pod = b"\x0a\x09\x0a\x02v1\x12\x03Pod\x12"
    for body in (data, MAGIC + data, MAGIC + pod + bytes([len(data) & 0x7F]) + data):
        with suppress(BadRequest, UnsupportedMediaType):
            json.dumps(decode(body))


def envelope(api_version: str, kind: str, raw: bytes, rest: bytes = b"") -> bytes:
    def member(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    meta = member(1, api_version.encode()) + member(2, kind.encode())
    return MAGIC + member(1, meta) + member(2, raw) + rest


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{}", "does not appear to be a protobuf message"),
        (MAGIC, "'Kind' is missing"),
        (envelope("", "Pod", b""), "'apiVersion' is missing"),
        (envelope("v1", "Pod", b"", b"\x1a\x04gzip"), "encoding 'gzip'"),
        (envelope("v1", "Pod", b"\x0a\x03\x0a\x01\xff"), "metadata.name: not UTF-8"),
        (envelope("v1", "Pod", b"\x08\x01"), "metadata: wrong wire type 0"),
    ],
)
def test_malformed_is_told(body: bytes, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        decode(body)


def test_a_kind_without_a_table_is_415() -> None:
    with pytest.raises(UnsupportedMediaType, match="Widget of tanebi"):
        decode(envelope("tanebi.dev/v1", "Widget", b""))


def test_unknown_fields_are_skipped() -> None:
    assert decode(envelope("v1", "Pod", b"\xfa\x7f\x01x")) == {"apiVersion": "v1", "kind": "Pod"}
