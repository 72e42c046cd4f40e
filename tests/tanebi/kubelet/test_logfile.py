"""Lines as they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet.logfile import LINE_MAX, Line, LogWriter, Splitter, decode, encode

STAMP = "2026-01-01T00:00:00.000000Z"


def test_a_line_both_ways() -> None:
    raw = encode(STAMP, "stderr", b"two words ", partial=False)
    assert raw == b"2026-01-01T00:00:00.000000Z stderr F two words \n"
    assert decode(raw[:-1]) == Line(STAMP, "stderr", False, b"two words ")


@pytest.mark.parametrize("raw", [b"", b"free text", b"a b c d", b"x stdout Q text"])
def test_what_is_not_ours_is_shown_as_it_is(raw: bytes) -> None:
    assert decode(raw).text == raw


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 7))
def test_no_byte_is_lost_however_it_arrives(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    splitter = Splitter("stdout")
    written = b"".join(
        splitter.feed(data[i : i + size], STAMP) for i in range(0, len(data), size)
    ) + splitter.end(STAMP)
    lines = [decode(line) for line in written.split(b"\n")[:-1]]
    whole = data if data.endswith(b"\n") or not data else data + b"\n"
    assert b"".join(line.text + b"\n" for line in lines) == whole
    assert splitter.end(STAMP) == b""


@pytest.mark.parametrize("length", [LINE_MAX - 1, LINE_MAX, LINE_MAX + 1, 5 * LINE_MAX + 3])
@pytest.mark.parametrize("step", [1000, 64 * 1024])
def test_a_long_line_is_kept_in_pieces(length: int, step: int) -> None:
    data = b"x" * length + b"\nnext\n"
    splitter = Splitter("stdout")
    written = b"".join(splitter.feed(data[i : i + step], STAMP) for i in range(0, len(data), step))
    lines = [decode(line) for line in written.split(b"\n")[:-1]]
    assert b"".join(line.text + (b"" if line.partial else b"\n") for line in lines) == data
    assert all(len(line.text) <= 2 * LINE_MAX for line in lines)


def test_a_file_that_is_full_begins_anew(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "c" / "0.log", file_max=10)
    for text in (b"first\n", b"second\n", b"third\n"):
        writer.write(text)
    writer.close()
    assert (tmp_path / "c" / "0.log").read_bytes() == b"third\n"
    assert (tmp_path / "c" / "0.log.1").read_bytes() == b"second\n"


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        writer = LogWriter(tmp_path / "0.log")
        writer.write(text)
        writer.close()
    assert (tmp_path / "0.log").read_bytes() == b"one\ntwo\n"


def test_a_disk_that_refuses_loses_output_and_counts_it() -> None:
    writer = LogWriter(Path("/dev/full"))
    writer.write(b"lost\n")
    writer.close()
    assert writer.lost_bytes == 5
