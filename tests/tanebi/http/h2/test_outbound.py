"""What is sent, as far as the peer's windows and the transport allow."""

from __future__ import annotations

import h2.events
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.http.h2.stream import PENDING_HIGH, PENDING_LOW
from tests.tanebi.http.h2.talking import Talk

OK = [(b":status", b"200")]


def bodies(talk: Talk) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for event in talk.told(h2.events.DataReceived):
        found[event.stream_id] = found.get(event.stream_id, b"") + event.data
    return found


def test_a_whole_answer_is_one_write() -> None:
    talk = Talk()
    number, owner = talk.request(ended=True)
    outputs = talk.listener.outputs
    talk.ours.send_fields(owner.stream, OK)
    talk.ours.send_last(owner.stream, b"body")
    assert talk.listener.outputs == outputs + 1
    talk.exchange()
    assert bodies(talk) == {number: b"body"}
    assert [e.stream_id for e in talk.told(h2.events.StreamEnded)] == [number]
    assert talk.ours.streams == {}


def test_what_the_window_does_not_take_waits_and_the_owner_is_told() -> None:
    talk = Talk()
    number, owner = talk.request(ended=True)
    talk.ours.send_fields(owner.stream, OK)
    talk.ours.send_data(owner.stream, b"a" * 65535)
    assert owner.full == []
    talk.ours.send_data(owner.stream, b"b" * PENDING_HIGH)
    assert owner.full == []
    talk.ours.send_data(owner.stream, b"c")
    assert owner.full == [True]
    talk.exchange()
    assert bodies(talk)[number] == b"a" * 65535
    talk.theirs.increment_flow_control_window(1 << 20)
    talk.theirs.increment_flow_control_window(PENDING_HIGH - PENDING_LOW + 1, number)
    talk.exchange()
    assert owner.full == [True, False]
    talk.ours.end(owner.stream, [(b"x-sum", b"1")])
    talk.exchange()
    assert not talk.told(h2.events.StreamEnded)
    talk.theirs.increment_flow_control_window(1 << 20, number)
    talk.exchange()
    assert bodies(talk)[number] == b"a" * 65535 + b"b" * PENDING_HIGH + b"c"
    assert talk.told(h2.events.TrailersReceived)
    assert talk.ours.streams == {}


def test_an_owner_that_has_sent_its_last_is_not_told_to_stop() -> None:
    """It may have gone on to something else, and would stop that."""
    talk = Talk()
    number, owner = talk.request(ended=True)
    talk.ours.send_fields(owner.stream, OK)
    talk.ours.send_last(owner.stream, b"x" * 300_000, [(b"x-sum", b"1")])
    talk.theirs.increment_flow_control_window(1 << 20)
    talk.theirs.increment_flow_control_window(1 << 20, number)
    talk.exchange()
    assert owner.full == []
    assert len(bodies(talk)[number]) == 300_000
    assert talk.told(h2.events.TrailersReceived)


def test_streams_that_wait_take_turns() -> None:
    talk = Talk()
    streams = [talk.request(ended=True)[1].stream for _ in range(3)]
    for stream in streams:
        talk.ours.send_fields(stream, OK)
        talk.ours.send_data(stream, b"x" * 65535)
    talk.exchange()
    talk.theirs.increment_flow_control_window(6 * 16384)
    talk.events.clear()
    talk.exchange()
    order = [e.stream_id for e in talk.told(h2.events.DataReceived)]
    assert order[-6:] == [3, 5, 3, 5, 3, 5]


def test_a_stalled_stream_does_not_hold_up_another() -> None:
    talk = Talk()
    slow, quick = talk.request(ended=True)[1].stream, talk.request(ended=True)[1].stream
    talk.theirs.increment_flow_control_window(1 << 20)
    talk.exchange()
    for stream in (slow, quick):
        talk.ours.send_fields(stream, OK)
        talk.ours.send_data(stream, b"x" * 100_000)
    talk.theirs.increment_flow_control_window(1 << 20, quick.id)
    talk.exchange()
    assert {n: len(b) for n, b in bodies(talk).items()} == {slow.id: 65535, quick.id: 100_000}


def test_nothing_is_sent_while_the_transport_is_full() -> None:
    talk = Talk()
    number, owner = talk.request(ended=True)
    talk.ours.send_fields(owner.stream, OK)
    talk.exchange()
    talk.ours.stop()
    talk.ours.send_data(owner.stream, b"x" * 10)
    talk.ours.end(owner.stream)
    assert talk.ours.take() == b""
    talk.ours.go()
    talk.exchange()
    assert bodies(talk) == {number: b"x" * 10}
    assert talk.told(h2.events.StreamEnded)


def test_an_answer_before_the_end_of_the_request_stops_the_upload() -> None:
    talk = Talk()
    number, owner = talk.request()
    talk.ours.send_fields(owner.stream, OK)
    talk.ours.send_last(owner.stream, b"no")
    talk.ours.end_early(owner.stream)
    talk.exchange()
    assert bodies(talk) == {number: b"no"}
    (reset,) = talk.told(h2.events.StreamReset)
    assert reset.error_code == 0
    assert talk.ours.streams == {}


def test_the_end_of_what_waits_comes_before_the_upload_is_stopped() -> None:
    talk = Talk()
    number, owner = talk.request()
    talk.ours.send_fields(owner.stream, OK)
    talk.ours.send_data(owner.stream, b"x" * 70000)
    talk.ours.end(owner.stream)
    talk.ours.end_early(owner.stream)
    talk.exchange()
    assert not talk.told(h2.events.StreamReset)
    talk.theirs.increment_flow_control_window(70000, number)
    talk.theirs.increment_flow_control_window(70000)
    talk.exchange()
    assert len(bodies(talk)[number]) == 70000
    assert talk.told(h2.events.StreamReset)


@settings(max_examples=25)
@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([1, 100, 16384, 16385, 50000])), max_size=14
    ),
    grants=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([1, 5000, 40000])), max_size=14),
)
def test_every_byte_arrives_in_order_whatever_the_windows(
    pieces: list[tuple[int, int]], grants: list[tuple[int, int]]
) -> None:
    talk = Talk()
    streams = [talk.request(ended=True)[1].stream for _ in range(4)]
    sent = dict.fromkeys((s.id for s in streams), b"")
    for stream in streams:
        talk.ours.send_fields(stream, OK)
    for turn, (which, size) in enumerate(pieces):
        data = bytes([turn + 1]) * size
        talk.ours.send_data(streams[which], data)
        sent[streams[which].id] += data
        if turn < len(grants):
            whom, more = grants[turn]
            talk.theirs.increment_flow_control_window(
                more, streams[whom].id if whom < len(streams) else None
            )
            talk.exchange()
    for stream in streams:
        talk.ours.end(stream)
        talk.theirs.increment_flow_control_window(1 << 24, stream.id)
    talk.theirs.increment_flow_control_window(1 << 24)
    talk.exchange()
    found = bodies(talk)
    assert {n: b for n, b in sent.items() if b} == {n: b for n, b in found.items() if b}
    assert len(talk.told(h2.events.StreamEnded)) == 4
    assert talk.ours.streams == {}
