"""A stream says what it is."""

from __future__ import annotations

from tanebi.http.h2.stream import Stream


def test_a_new_stream_is_open_both_ways() -> None:
    stream = Stream(5, window=100, room=200)
    assert repr(stream) == "Stream(5 out=True in=True 0)"
    assert (stream.window, stream.room, stream.left) == (100, 200, -1)
