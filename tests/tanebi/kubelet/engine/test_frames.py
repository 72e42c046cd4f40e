"""Frames: any cut of the stream gives the same bytes, and what is no stream is said."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet.engine.frames import BadFrame, Frames


def framed(pieces: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes([n, 0, 0, 0]) + len(b).to_bytes(4, "big") + b for n, b in pieces)


def joined(chunks: list[bytes]) -> dict[str, bytes]:
    frames, found = Frames(), {"stdout": b"", "stderr": b""}
    for chunk in chunks:
        for stream, piece in frames.feed(chunk):
            found[stream] += piece
    return found


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    st.lists(st.integers(0, 400), max_size=10),
)
def test_cuts_do_not_matter(pieces: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = framed(pieces)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in itertools.pairwise(places)]
    assert joined(chunks) == {
        "stdout": b"".join(b for n, b in pieces if n == 1),
        "stderr": b"".join(b for n, b in pieces if n == 2),
    }


@pytest.mark.parametrize("head", [b"HTTP/1.1", b"\x04\0\0\0\0\0\0\1", b"\1\0\1\0\0\0\0\1"])
def test_what_is_no_stream(head: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Frames().feed(head + b"x"))
