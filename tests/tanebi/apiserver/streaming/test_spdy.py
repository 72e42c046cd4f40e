"""SPDY/3.1: frames both ways, cut anywhere, and what is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.streaming import spdy
from tanebi.apiserver.streaming.dictionary import DICTIONARY
from tanebi.apiserver.streaming.spdy import (
    Data,
    Leaving,
    Opened,
    Pinged,
    Reset,
    ServerSide,
    SpdyError,
)
from tests.tanebi.apiserver.streaming.pipes import SpdyClient, control, frames


def conversation() -> bytes:
    client = SpdyClient()
    return b"".join(
        (
            client.open(1, {"Streamtype": "error"}),
            client.open(3, {"streamtype": "stdin"}),
            client.ping(1),
            client.data(3, b"hello"),
            client.data(3, b"", end=True),
            client.reset(1),
            control(spdy.SETTINGS, bytes(4)),
            control(spdy.WINDOW_UPDATE, bytes(8)),
            control(spdy.GOAWAY, bytes(8)),
        )
    )


EVENTS = [
    Opened(1, {"streamtype": "error"}, False),
    Opened(3, {"streamtype": "stdin"}, False),
    Pinged(SpdyClient.ping(1)),
    Data(3, b"hello", False),
    Data(3, b"", True),
    Reset(1),
    Leaving(),
]


def test_events() -> None:
    assert ServerSide().feed(conversation()) == EVENTS


@given(st.lists(st.integers(1, 40), min_size=1))
def test_cut_anywhere(cuts: list[int]) -> None:
    side, data, events = ServerSide(), conversation(), []
    while data:
        for cut in cuts:
            events += side.feed(data[:cut])
            data = data[cut:]
    joined = b"".join(e.data for e in events if isinstance(e, Data))
    assert joined == b"hello"
    rest = [e for e in events if not isinstance(e, Data)]
    assert rest == [e for e in EVENTS if not isinstance(e, Data)]
    assert [e.ended for e in events if isinstance(e, Data)][-1]


@given(st.binary(max_size=400))
def test_no_bytes_break_it_otherwise(data: bytes) -> None:
    try:
        ServerSide().feed(data)
    except SpdyError:
        return


@given(st.binary(max_size=200_000), st.booleans())
def test_data_is_cut_into_frames_and_only_the_last_ends(data: bytes, end: bool) -> None:
    wire = ServerSide().data(7, data, end=end)
    found = frames(wire)
    assert b"".join(body for _, _, body in found) == data
    assert all(len(body) <= spdy.DATA_MAX for _, _, body in found)
    other = ServerSide().feed(wire)
    assert [e.ended for e in other if isinstance(e, Data)].count(True) == int(end)


def test_a_reply_is_a_header_block_that_clients_can_read() -> None:
    side = ServerSide()
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    for stream in (1, 3):
        [(kind, number, body)] = frames(side.reply(stream))
        assert (kind, number) == (spdy.SYN_REPLY, stream)
        assert inflate.decompress(body[4:]) == bytes(4)  # no headers


def test_reset_and_goaway() -> None:
    side = ServerSide()
    side.feed(conversation())
    assert frames(side.reset(3))[0][:2] == (spdy.RST_STREAM, 3)
    assert frames(side.goaway())[0][:2] == (spdy.GOAWAY, 3)  # the last stream that was taken


@pytest.mark.parametrize(
    "data",
    [
        control(spdy.PING, bytes(4), version=2),
        control(99, bytes(4)),
        control(spdy.PING, b"\0"),
        control(spdy.SYN_STREAM, bytes(10) + b"not compressed"),
        b"\x80\x03\x00\x01\x00\xff\xff\xff",
        SpdyClient().open(2, {}),
        SpdyClient().open(1, {}) + SpdyClient().open(1, {}),
        SpdyClient().open(1, {"a": "x" * (spdy.HEADERS_BYTES_MAX + 1)}),
        SpdyClient().open(1, {str(n): "" for n in range(spdy.HEADERS_MAX + 1)}),
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(SpdyError):
        ServerSide().feed(data)
