"""Header compression with a memory, against the library without one."""

from __future__ import annotations

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.http.h2.fields import FieldDecoder, FieldEncoder
from tanebi.http.h2.frames import Broken, Code

NAMES = st.sampled_from([b":path", b"accept", b"x-a", b"x-bb", b"cookie", b"content-type"])
VALUES = st.sampled_from([b"", b"1", b"gzip, deflate", b"/", b"v" * 200, b"w" * 3000])
BLOCKS = st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=5), max_size=12)


@settings(max_examples=40)
@given(blocks=BLOCKS, sizes=st.lists(st.sampled_from([0, 64, 200, 4096, 65536]), max_size=12))
def test_what_is_encoded_is_what_the_library_decodes(
    blocks: list[list[tuple[bytes, bytes]]], sizes: list[int]
) -> None:
    encoder, decoder = FieldEncoder(), hpack.Decoder()
    for turn, fields in enumerate(blocks):
        if turn < len(sizes):
            decoder.max_allowed_table_size = max(sizes[turn], 4096)
            encoder.resize(sizes[turn])
        assert [(n, v) for n, v in decoder.decode(encoder.encode(fields), raw=True)] == fields


@settings(max_examples=40)
@given(blocks=BLOCKS)
def test_what_the_library_encodes_is_decoded(blocks: list[list[tuple[bytes, bytes]]]) -> None:
    encoder, decoder = hpack.Encoder(), FieldDecoder(1 << 20)
    for fields in blocks:
        assert [(n, v) for n, v in decoder.decode(encoder.encode(fields)).fields] == fields


def test_the_same_block_is_decoded_once() -> None:
    encoder, decoder = hpack.Encoder(), FieldDecoder(65536)
    fields = [(b":path", b"/"), (b"x-a", b"1")]
    first = decoder.decode(encoder.encode(fields))
    data = encoder.encode(fields)
    second = decoder.decode(data)
    assert decoder.decode(data) is second
    assert first.fields == second.fields == fields
    decoder.decode(
        encoder.encode([(b"x-b", b"2")])
    )  # indices move: the same bytes mean something else
    assert decoder.decode(data).fields != fields


def test_values_that_never_repeat_stay_out_of_the_table() -> None:
    encoder, decoder = FieldEncoder(), hpack.Decoder()
    for n in range(50):
        decoder.decode(encoder.encode([(b"x-always", b"same"), (b"x-id", b"%d" % n)]))
    assert list(decoder.header_table.dynamic_entries) == [(b"x-always", b"same")]
    assert len(encoder.encode([(b"x-always", b"same")])) == 1


def test_secrets_are_never_indexed() -> None:
    encoder, decoder = FieldEncoder(), hpack.Decoder()
    for _ in range(3):
        (found,) = decoder.decode(encoder.encode([(b"authorization", b"Bearer x")]), raw=True)
        assert isinstance(found, hpack.NeverIndexedHeaderTuple)
    (found,) = decoder.decode(encoder.encode([hpack.NeverIndexedHeaderTuple(b"x-key", b"s")]))
    assert isinstance(found, hpack.NeverIndexedHeaderTuple)
    assert not decoder.header_table.dynamic_entries


def test_broken_and_oversized_blocks_end_the_connection() -> None:
    with pytest.raises(Broken) as raised:
        FieldDecoder(65536).decode(b"\xff\xff\xff\xff\xff")
    assert raised.value.code is Code.COMPRESSION_ERROR
    big = hpack.Encoder().encode([(b"x-a", b"v" * 3000)] * 10)
    with pytest.raises(Broken) as raised:
        FieldDecoder(10000).decode(big)
    assert raised.value.code is Code.ENHANCE_YOUR_CALM
