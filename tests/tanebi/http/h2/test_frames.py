"""Frames as hyperframe reads them."""

from __future__ import annotations

import hyperframe.frame
import pytest

from tanebi.http.h2 import frames
from tanebi.http.h2.frames import Code, Kind, Setting


def read(data: bytes) -> list[hyperframe.frame.Frame]:
    found = []
    while data:
        frame, length = hyperframe.frame.Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found


def test_each_kind_is_read_as_what_it_is() -> None:
    (settings,) = read(frames.settings_frame({Setting.INITIAL_WINDOW_SIZE: 70000}))
    assert settings.settings == {4: 70000}
    (update,) = read(frames.window_update(3, 99))
    assert (update.stream_id, update.window_increment) == (3, 99)
    (reset,) = read(frames.rst_stream(5, Code.CANCEL))
    assert (reset.stream_id, reset.error_code) == (5, 8)
    (away,) = read(frames.goaway(7, Code.ENHANCE_YOUR_CALM, b"calm"))
    assert (away.last_stream_id, away.error_code, away.additional_data) == (7, 11, b"calm")
    (data,) = read(frames.frame(Kind.DATA, frames.END_STREAM, 1, b"x" * 16384))
    assert (data.data, data.flags) == (b"x" * 16384, {"END_STREAM"})


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 21, 35])
@pytest.mark.parametrize("ended", [True, False])
def test_a_block_takes_as_many_frames_as_it_needs(size: int, ended: bool) -> None:
    block = bytes(range(size))
    found = read(frames.headers_frames(1, block, ended=ended, frame_max=10))
    assert b"".join(f.data for f in found) == block
    assert [type(f).__name__ for f in found[1:]] == ["ContinuationFrame"] * (len(found) - 1)
    assert ["END_HEADERS" in f.flags for f in found] == [False] * (len(found) - 1) + [True]
    assert ("END_STREAM" in found[0].flags) == ended
