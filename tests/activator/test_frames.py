from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator.backend import Share
from activator.frames import (
    BadFrame,
    FrameReader,
    address_of,
    encode,
    holds_of,
    key_of,
    lines_frame,
    lines_of,
    loaded_of,
    number_of,
    sent_at,
    share_frame,
    share_of,
    stats_frame,
    stats_of,
    text_of,
    wake_frame,
    wake_of,
)
from autoscaler.api.stat import Stat
from autoscaler.api.wake import Wake
from tanebi.api.meta import Key

R = Key("ns", "r")
addresses = st.tuples(st.sampled_from(["10.0.0.1", "::1"]), st.integers(1, 65535))


def read(data: bytes) -> dict[str, Any]:
    (frame,) = FrameReader().feed(data)
    return frame


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(1, 30))
def test_frames_arrive_whole_however_they_are_cut(numbers: list[int], size: int) -> None:
    data = b"".join(encode("n", v=number) for number in numbers)
    reader = FrameReader()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [f["v"] for piece in pieces for f in reader.feed(piece)] == numbers


@pytest.mark.parametrize("data", [b"{\n", b"[]\n", b'{"t":1}\n', b"\n"])
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        list(FrameReader().feed(data))


def test_a_frame_without_end_is_refused() -> None:
    reader = FrameReader(limit=10)
    assert list(reader.feed(b"x" * 10)) == []
    with pytest.raises(BadFrame, match="larger than 10"):
        list(reader.feed(b"x"))


@given(own=st.frozensets(addresses), leaving=st.frozensets(addresses), peers=st.lists(addresses))
def test_a_share_comes_back(own: Any, leaving: Any, peers: Any) -> None:
    share = Share(own, leaving, tuple(peers))
    assert share_of(read(share_frame(R, share))) == (R, share)


@given(load=st.floats(0, 1e6), rate=st.floats(0, 1e6))
def test_a_report_comes_back(load: float, rate: float) -> None:
    stat = Stat(R, load, rate)
    frame = read(stats_frame([stat], 7.5))
    assert (stats_of(frame), sent_at(frame)) == ([stat], 7.5)


@pytest.mark.parametrize("entry", [["ns", "r", -1, 0], ["ns", "r", 1], ["ns", 2, 1, 1], "x"])
def test_reports_are_checked(entry: Any) -> None:
    with pytest.raises(BadFrame):
        stats_of(read(encode("stats", s=[entry])))


@pytest.mark.parametrize(
    ("reads", "value"),
    [
        (key_of, ["ns"]),
        (address_of, ["a", 0]),
        (address_of, ["a", "1"]),
        (number_of, "1"),
        (text_of, 1),
        (holds_of, {"holds": [["ns", "r", 1]]}),
        (holds_of, {}),
        (loaded_of, {"i": [["ns", "r", "u"]]}),
        (share_of, {"own": 1}),
    ],
)
def test_fields_are_checked(reads: Any, value: Any) -> None:
    with pytest.raises(BadFrame):
        reads(value)


def test_what_is_held_and_loaded() -> None:
    assert holds_of({"holds": [["ns", "r", [["a", 1]]]]}) == {R: [("a", 1)]}
    assert loaded_of({"i": [["ns", "r", "u", 3]]}) == [(R, "u", 3)]


def test_a_cold_start_travels_whole() -> None:
    wake = Wake(Key("n", "r"), 1.5, 0.001, 2.5, 0.002, 3.5)
    (frame,) = FrameReader().feed(wake_frame(wake))
    assert wake_of(frame) == wake


@pytest.mark.parametrize("moments", [None, [1, 2], ["a", 1, 2, 3, 4], {"a": 1}])
def test_a_cold_start_without_its_moments(moments: object) -> None:
    with pytest.raises(BadFrame):
        wake_of({"t": "woke", "r": ["n", "r"], "m": moments})


@pytest.mark.parametrize("at", ["1", [], 1e13, float("nan")])
def test_a_time_that_is_none_is_refused(at: Any) -> None:
    with pytest.raises(BadFrame):
        sent_at({"t": "stats", "at": at})


def test_an_older_activator_tells_no_time() -> None:
    assert sent_at({"t": "stats"}) is None


def test_lines_of_the_request_log() -> None:
    lines = [("ns", "p", 'a "b"\n'), ("ns", "", "x")]
    assert lines_of(read(lines_frame(lines))) == lines
    for bad in (None, [1], [["ns", "p"]], [["ns", "p", 1]]):
        with pytest.raises(BadFrame):
            lines_of({"l": bad})
