"""What a peer may do, what ends its stream, and what ends its connection."""

from __future__ import annotations

import struct

import h2.events
import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.http.h2.connection import Connection
from tanebi.http.h2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PADDED,
    PREFACE,
    PRIORITISED,
    Broken,
    Code,
    Kind,
    Setting,
    StreamBroken,
    frame,
    rst_stream,
    settings_frame,
    window_update,
)
from tanebi.http.h2.limits import CALM_MAX, RESETS_MAX, H2Limits
from tests.tanebi.http.h2.talking import REQUEST, Listener, Talk

SETTINGS = settings_frame({})
BLOCK = hpack.Encoder().encode(REQUEST, huffman=False)
HEADERS = frame(Kind.HEADERS, END_HEADERS, 1, BLOCK)
WHOLE = frame(Kind.HEADERS, END_HEADERS | END_STREAM, 1, BLOCK)


def server(data: bytes = b"", limits: H2Limits | None = None) -> tuple[Connection, Listener]:
    """A server's connection that has read a preface, settings and `data`."""
    listener = Listener()
    connection = Connection(listener, client=False, limits=limits or H2Limits())
    connection.start()
    connection.receive(PREFACE + SETTINGS + data)
    return connection, listener


def sent(connection: Connection, kind: Kind) -> list[tuple[int, bytes]]:
    """Stream and payload of each frame of `kind` that waits to be taken."""
    data, found = connection.take(), []
    while data:
        high, low, number, _, stream = struct.unpack_from(">BHBBL", data)
        size = high << 16 | low
        if number == kind:
            found.append((stream, data[9 : 9 + size]))
        data = data[9 + size :]
    return found


BROKEN: list[tuple[str, bytes, Code]] = [
    ("data on no stream", frame(Kind.DATA, 0, 0, b"x"), Code.PROTOCOL_ERROR),
    ("data on an idle stream", frame(Kind.DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
    ("headers on no stream", frame(Kind.HEADERS, END_HEADERS, 0, BLOCK), Code.PROTOCOL_ERROR),
    ("a stream of ours", frame(Kind.HEADERS, END_HEADERS, 2, BLOCK), Code.PROTOCOL_ERROR),
    (
        "padding longer than the frame",
        frame(Kind.HEADERS, PADDED, 1, b"\x05ab"),
        Code.PROTOCOL_ERROR,
    ),
    (
        "no room for the priority",
        frame(Kind.HEADERS, PRIORITISED, 1, b"abc"),
        Code.FRAME_SIZE_ERROR,
    ),
    ("a naked continuation", frame(Kind.CONTINUATION, 0, 1, b""), Code.PROTOCOL_ERROR),
    (
        "an interrupted block",
        frame(Kind.HEADERS, 0, 1, b"") + frame(Kind.PING, 0, 0, b"8bytes!!"),
        Code.PROTOCOL_ERROR,
    ),
    (
        "a block of another stream",
        frame(Kind.HEADERS, 0, 1, b"") + frame(Kind.CONTINUATION, 4, 3, b""),
        Code.PROTOCOL_ERROR,
    ),
    (
        "garbage in a block",
        frame(Kind.HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
        Code.COMPRESSION_ERROR,
    ),
    ("a reset of no stream", rst_stream(0, 8), Code.PROTOCOL_ERROR),
    ("a reset of an idle stream", rst_stream(1, 8), Code.PROTOCOL_ERROR),
    ("a short reset", frame(Kind.RST_STREAM, 0, 1, b"abc"), Code.FRAME_SIZE_ERROR),
    ("settings on a stream", frame(Kind.SETTINGS, 0, 1, b""), Code.PROTOCOL_ERROR),
    ("half a setting", frame(Kind.SETTINGS, 0, 0, b"abc"), Code.FRAME_SIZE_ERROR),
    (
        "an acknowledgement that speaks",
        frame(Kind.SETTINGS, ACK, 0, b"123456"),
        Code.FRAME_SIZE_ERROR,
    ),
    (
        "a window too wide",
        settings_frame({Setting.INITIAL_WINDOW_SIZE: 2**31}),
        Code.FLOW_CONTROL_ERROR,
    ),
    ("frames too small", settings_frame({Setting.MAX_FRAME_SIZE: 100}), Code.PROTOCOL_ERROR),
    ("push neither on nor off", settings_frame({Setting.ENABLE_PUSH: 2}), Code.PROTOCOL_ERROR),
    ("a push", frame(Kind.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + BLOCK), Code.PROTOCOL_ERROR),
    ("a short ping", frame(Kind.PING, 0, 0, b"abc"), Code.FRAME_SIZE_ERROR),
    ("a ping on a stream", frame(Kind.PING, 0, 1, b"8bytes!!"), Code.PROTOCOL_ERROR),
    ("a short goaway", frame(Kind.GOAWAY, 0, 0, b"abc"), Code.FRAME_SIZE_ERROR),
    ("a goaway on a stream", frame(Kind.GOAWAY, 0, 1, bytes(8)), Code.PROTOCOL_ERROR),
    ("a short window update", frame(Kind.WINDOW_UPDATE, 0, 0, b"abc"), Code.FRAME_SIZE_ERROR),
    ("a window that grows by nothing", window_update(0, 0), Code.FLOW_CONTROL_ERROR),
    ("a window beyond all bounds", window_update(0, 2**31 - 1), Code.FLOW_CONTROL_ERROR),
    ("a window of an idle stream", window_update(1, 5), Code.PROTOCOL_ERROR),
    ("a priority of no stream", frame(Kind.PRIORITY, 0, 0, b"12345"), Code.PROTOCOL_ERROR),
    ("a frame too large", frame(Kind.DATA, 0, 1, bytes(16385)), Code.FRAME_SIZE_ERROR),
]


@pytest.mark.parametrize(("data", "code"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_faults_that_end_the_connection(data: bytes, code: Code) -> None:
    connection, _ = server()
    connection.take()
    with pytest.raises(Broken) as raised:
        connection.receive(data)
    assert raised.value.code is code
    assert connection.closed
    ((_, payload),) = sent(connection, Kind.GOAWAY)
    assert struct.unpack_from(">LL", payload)[1] == code
    connection.receive(HEADERS)  # nothing is read any more
    assert connection.streams == {}


STREAM_BROKEN: list[tuple[str, bytes, Code]] = [
    ("data after the end", WHOLE + frame(Kind.DATA, 0, 1, b"x"), Code.STREAM_CLOSED),
    ("headers after the end", WHOLE + HEADERS, Code.STREAM_CLOSED),
    ("trailers without an end", HEADERS + HEADERS, Code.PROTOCOL_ERROR),
    ("a short priority", HEADERS + frame(Kind.PRIORITY, 0, 1, b"1234"), Code.FRAME_SIZE_ERROR),
    ("a window that grows by nothing", HEADERS + window_update(1, 0), Code.FLOW_CONTROL_ERROR),
    ("a window beyond all bounds", HEADERS + window_update(1, 2**31 - 1), Code.FLOW_CONTROL_ERROR),
]


@pytest.mark.parametrize(
    ("data", "code"), [b[1:] for b in STREAM_BROKEN], ids=[b[0] for b in STREAM_BROKEN]
)
def test_faults_that_end_a_stream_only(data: bytes, code: Code) -> None:
    connection, listener = server(data)
    assert listener.owners[1].reset == code
    assert sent(connection, Kind.RST_STREAM) == [(1, struct.pack(">L", code))]
    connection.receive(frame(Kind.HEADERS, END_HEADERS | END_STREAM, 3, BLOCK))
    assert listener.owners[3].ended


def test_what_came_before_a_fault_is_not_lost() -> None:
    connection, listener = server()
    with pytest.raises(Broken):
        connection.receive(WHOLE + rst_stream(9, 8))
    assert listener.owners[1].ended


@pytest.mark.parametrize(
    "first", [HEADERS, frame(Kind.PING, 0, 0, b"8bytes!!"), window_update(0, 5)]
)
def test_settings_come_first(first: bytes) -> None:
    connection = Connection(Listener(), client=False, limits=H2Limits())
    with pytest.raises(Broken):
        connection.receive(PREFACE + first)


def test_something_else_than_http2() -> None:
    connection = Connection(Listener(), client=False, limits=H2Limits())
    connection.receive(PREFACE[:10])
    with pytest.raises(Broken):
        connection.receive(b"GET / HTTP")


@settings(max_examples=60)
@given(cuts=st.lists(st.integers(1, 200), max_size=30))
def test_bytes_may_come_in_any_pieces(cuts: list[int]) -> None:
    data = (
        PREFACE + SETTINGS + frame(Kind.HEADERS, 0, 1, BLOCK[:7])
        + frame(Kind.CONTINUATION, END_HEADERS, 1, BLOCK[7:])
        + frame(Kind.DATA, PADDED, 1, b"\x03abcde\0\0\0") + frame(77, 0, 0, b"unknown")
        + frame(Kind.DATA, END_STREAM, 1, b"fg")
    )  # fmt: skip
    listener = Listener()
    connection = Connection(listener, client=False, limits=H2Limits())
    at = 0
    for cut in cuts:
        connection.receive(data[at : at + cut])
        at += cut
    connection.receive(data[at:])
    owner = listener.owners[1]
    assert (owner.heads, owner.body, owner.ended) == ([REQUEST], b"abcdefg", True)


@settings(max_examples=150)
@given(
    data=st.binary(max_size=80),
    kind=st.integers(0, 11),
    flags=st.integers(0, 255),
    number=st.integers(0, 5),
)
def test_no_bytes_raise_anything_but_broken(
    data: bytes, kind: int, flags: int, number: int
) -> None:
    connection, _ = server(HEADERS)
    try:
        connection.receive(frame(kind, flags, number, data))
        connection.receive(data)
    except Broken:
        assert connection.closed


# --- flow control ------------------------------------------------------------------------------


def test_a_held_stream_stops_its_own_source_only() -> None:
    talk = Talk(limits=H2Limits(window=100_000, connection_window=200_000))
    held, held_owner = talk.request()
    other, other_owner = talk.request()
    talk.ours.hold(held_owner.stream)
    for _ in range(40):
        for number in (held, other):
            room = min(talk.theirs.local_flow_control_window(number), 16384)
            if room:
                talk.theirs.send_data(number, b"x" * room)
        talk.exchange()
    assert len(held_owner.body) == 100_000
    assert len(other_owner.body) > 400_000
    talk.ours.unhold(held_owner.stream)
    talk.exchange()
    assert talk.theirs.local_flow_control_window(held) == 100_000


def test_more_than_the_window_is_a_fault() -> None:
    connection, listener = server(HEADERS, H2Limits(window=1000, connection_window=70_000))
    connection.receive(frame(Kind.DATA, 0, 1, bytes(1001)))
    assert listener.owners[1].reset == Code.FLOW_CONTROL_ERROR
    connection, _ = server(HEADERS, H2Limits(window=1 << 20, connection_window=70_000))
    connection._room = 10
    with pytest.raises(Broken, match="the connection's window"):
        connection.receive(frame(Kind.DATA, 0, 1, bytes(11)))


# --- lengths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (frame(Kind.DATA, END_STREAM, 1, b"12345"), True),
        (frame(Kind.DATA, 0, 1, b"12345") + frame(Kind.DATA, END_STREAM, 1), True),
        (frame(Kind.DATA, 0, 1, b"123456"), False),
        (frame(Kind.DATA, END_STREAM, 1, b"1234"), False),
        (frame(Kind.DATA, 0, 1, b"123") + WHOLE, False),
        (frame(Kind.DATA, 0, 1, b"12345") + WHOLE, True),
    ],
)
def test_a_body_is_as_long_as_announced(data: bytes, good: bool) -> None:
    connection, listener = server(HEADERS)
    connection.expect(listener.owners[1].stream, 5)
    connection.receive(data)
    assert listener.owners[1].reset == (None if good else Code.PROTOCOL_ERROR)


def test_a_head_alone_announces_no_body() -> None:
    connection, listener = server(WHOLE)
    with pytest.raises(StreamBroken):
        connection.expect(listener.owners[1].stream, 1)


# --- floods ------------------------------------------------------------------------------------


def test_too_many_streams_are_refused_and_those_there_go_on() -> None:
    connection, listener = server(limits=H2Limits(streams_max=2))
    for number in (1, 3, 5):
        connection.receive(frame(Kind.HEADERS, END_HEADERS, number, BLOCK))
    assert sent(connection, Kind.RST_STREAM) == [(5, struct.pack(">L", Code.REFUSED_STREAM))]
    connection.receive(frame(Kind.DATA, END_STREAM, 1, b"x"))
    assert listener.owners[1].body == b"x"
    assert 5 not in listener.owners


def test_rapid_resets_end_the_connection() -> None:
    """CVE-2023-44487."""
    connection, listener = server()
    with pytest.raises(Broken) as raised:
        for n in range(RESETS_MAX + 1):
            connection.receive(
                frame(Kind.HEADERS, END_HEADERS, 2 * n + 1, BLOCK) + rst_stream(2 * n + 1, 8)
            )
    assert raised.value.code is Code.ENHANCE_YOUR_CALM
    assert len(connection.streams) == 0
    assert len(listener.owners) == RESETS_MAX + 1


def test_streams_that_we_are_made_to_reset_count_too() -> None:
    """CVE-2025-8671."""
    connection, _ = server()
    with pytest.raises(Broken) as raised:
        for n in range(RESETS_MAX + 1):
            connection.receive(
                frame(Kind.HEADERS, END_HEADERS, 2 * n + 1, BLOCK) + window_update(2 * n + 1, 0)
            )
    assert raised.value.code is Code.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    "flood",
    [
        frame(Kind.PING, 0, 0, b"8bytes!!"),
        SETTINGS,
        frame(Kind.SETTINGS, ACK, 0),
        frame(Kind.PRIORITY, 0, 1, b"12345"),
        frame(Kind.DATA, 0, 1),
        window_update(0, 1),
        frame(99, 0, 0, b"?"),
    ],
)
def test_frames_that_only_make_work_end_the_connection(flood: bytes) -> None:
    connection, _ = server(HEADERS)
    with pytest.raises(Broken) as raised:
        for _ in range(CALM_MAX + 10):
            connection.receive(flood)
    assert raised.value.code is Code.ENHANCE_YOUR_CALM


def test_a_block_without_end_ends_the_connection() -> None:
    """CVE-2024-27316 and its kin: by bytes, and by empty frames."""
    connection, _ = server(frame(Kind.HEADERS, 0, 1, b""))
    with pytest.raises(Broken, match="too large"):
        for _ in range(10):
            connection.receive(frame(Kind.CONTINUATION, 0, 1, bytes(16000)))
    connection, _ = server(frame(Kind.HEADERS, 0, 1, b""))
    with pytest.raises(Broken, match="too large"):
        for _ in range(100):
            connection.receive(frame(Kind.CONTINUATION, 0, 1, b""))


# --- leaving -----------------------------------------------------------------------------------


def test_after_goaway_new_streams_are_refused_and_old_ones_end() -> None:
    connection, listener = server(HEADERS)
    connection.leave()
    ((_, payload),) = sent(connection, Kind.GOAWAY)
    assert struct.unpack(">LL", payload) == (1, 0)
    connection.receive(frame(Kind.HEADERS, END_HEADERS | END_STREAM, 3, BLOCK))
    assert sent(connection, Kind.RST_STREAM) == [(3, struct.pack(">L", Code.REFUSED_STREAM))]
    connection.receive(frame(Kind.DATA, END_STREAM, 1, b"x"))
    assert listener.owners[1].ended


def test_pings_are_answered() -> None:
    connection, _ = server()
    connection.take()
    connection.receive(frame(Kind.PING, 0, 0, b"8bytes!!"))
    assert sent(connection, Kind.PING) == [(0, b"8bytes!!")]
    connection.receive(frame(Kind.PING, ACK, 0, b"8bytes!!"))
    assert sent(connection, Kind.PING) == []
    connection.ping(b"12345678")
    assert sent(connection, Kind.PING) == [(0, b"12345678")]


# --- as a client -------------------------------------------------------------------------------


def test_an_exchange_as_a_client() -> None:
    talk = Talk(client=True)
    stream, owner = talk.open()
    talk.ours.send_data(stream, b"question")
    talk.ours.end(stream, [(b"x-sum", b"8")])
    talk.exchange()
    (request,) = talk.told(h2.events.RequestReceived)
    assert [(bytes(n), bytes(v)) for n, v in request.headers] == REQUEST
    talk.theirs.send_headers(1, [(b":status", b"103")])
    talk.theirs.send_headers(1, [(b":status", b"200")])
    talk.theirs.send_data(1, b"answer")
    talk.theirs.send_headers(1, [(b"grpc-status", b"0")], end_stream=True)
    talk.exchange()
    assert [head[0] for head in owner.heads] == [
        (b":status", b"103"),
        (b":status", b"200"),
        (b"grpc-status", b"0"),
    ]
    assert (owner.body, owner.ended, talk.ours.streams) == (b"answer", True, {})


def test_the_peers_limit_of_streams() -> None:
    talk = Talk(client=True)
    talk.theirs.update_settings({3: 2})
    talk.exchange()
    assert talk.ours.may_open
    talk.open()
    assert talk.ours.may_open
    stream, _ = talk.open()
    assert not talk.ours.may_open
    talk.ours.reset(stream, Code.CANCEL)
    assert talk.ours.may_open
    talk.exchange()
    talk.theirs.close_connection(last_stream_id=1)
    talk.ours.receive(talk.theirs.data_to_send())
    assert not talk.ours.may_open
    assert talk.listener.goaway == (1, 0)


def test_a_server_may_not_open_streams() -> None:
    talk = Talk(client=True)
    with pytest.raises(Broken):
        talk.ours.receive(frame(Kind.HEADERS, END_HEADERS, 2, BLOCK))
