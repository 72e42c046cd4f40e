"""The dictionary is the protocol's, byte for byte."""

from __future__ import annotations

import zlib

from tanebi.apiserver.streaming.dictionary import DICTIONARY


def test_it_is_the_protocols() -> None:
    """The checksum is also what zlib puts in front of a stream that was compressed with it."""
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2
