"""The framing of a container's output: `[stream, 0, 0, 0, length (4 bytes, big endian)]`, then the bytes.

Stream 1 is standard output, 2 standard error (docs.docker.com/engine/api: attach, "stream format"). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tanebi.kubelet.logfile import StreamName

HEAD_BYTES: Final = 8
_NAMES: Final[dict[int, StreamName]] = {0: "stdout", 1: "stdout", 2: "stderr"}


class BadFrame(Exception):
    """Not such a stream."""


class Frames:
    """Feed it bytes as they come; it holds no payload back, only a head that is not whole yet."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: StreamName = "stdout"
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[StreamName, bytes]]:
        """Each piece with its stream. Raises BadFrame."""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                yield self._stream, piece
            else:
                missing = HEAD_BYTES - len(self._head)
                self._head += data[at : at + missing]
                at += missing
                if len(self._head) == HEAD_BYTES:
                    self._begin()

    def _begin(self) -> None:
        if self._head[0] not in _NAMES or self._head[1:4] != b"\0\0\0":
            raise BadFrame(f"a frame cannot begin with {self._head!r}")
        self._stream = _NAMES[self._head[0]]
        self._left = int.from_bytes(self._head[4:], "big")
        self._head = b""
