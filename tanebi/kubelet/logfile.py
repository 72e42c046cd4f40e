"""Container output on disk: one file a container attempt, in the line format of the Container Runtime Interface.

`2026-11-22T22:05:00.123456Z stdout F text` — the tag is F for a whole line and P for a piece of one that was longer than
LINE_MAX. Reading and writing are pure over bytes; `LogWriter` owns the file and its size.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

LINE_MAX: Final = 16 * 1024
FILE_MAX: Final = 10 * 1024 * 1024  # bytes; then the file becomes `<name>.1` and a new one begins
ROTATED_SUFFIX: Final = ".1"

StreamName = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line as kept. `partial`: the next line of the same stream continues it."""

    stamp: str
    stream: str
    partial: bool
    text: bytes


def stamp_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def encode(stamp: str, stream: StreamName, text: bytes, *, partial: bool) -> bytes:
    return b"%s %s %s %s\n" % (stamp.encode(), stream.encode(), b"P" if partial else b"F", text)


def decode(line: bytes) -> Line:
    """One kept line without its newline. What is not in our format is taken as text, so that nothing is hidden."""
    parts = line.split(b" ", 3)
    if len(parts) != 4 or parts[2] not in (b"P", b"F"):
        return Line("", "stdout", False, line)
    return Line(parts[0].decode(), parts[1].decode(), parts[2] == b"P", parts[3])


class Splitter:
    """Bytes of one stream to lines. Holds at most LINE_MAX bytes."""

    def __init__(self, stream: StreamName) -> None:
        self._stream = stream
        self._held = b""

    def feed(self, data: bytes, stamp: str) -> bytes:
        """What can be written now."""
        *whole, rest = (self._held + data).split(b"\n")
        written = [self._line(line, stamp, last=True) for line in whole]
        if len(rest) > LINE_MAX:
            written.append(self._line(rest, stamp, last=False))
            rest = b""
        self._held = rest
        return b"".join(written)

    def end(self, stamp: str) -> bytes:
        """The stream has ended: what was held is a line."""
        held, self._held = self._held, b""
        return self._line(held, stamp, last=True) if held else b""

    def _line(self, text: bytes, stamp: str, *, last: bool) -> bytes:
        if len(text) <= LINE_MAX:
            return encode(stamp, self._stream, text, partial=not last)
        pieces = [text[i : i + LINE_MAX] for i in range(0, len(text), LINE_MAX)]
        return b"".join(
            encode(stamp, self._stream, piece, partial=not (last and i == len(pieces) - 1))
            for i, piece in enumerate(pieces)
        )


class LogWriter:
    """Appends to `path` and rotates it. A write goes to the page cache: it does not wait for the disk."""

    def __init__(self, path: Path, *, file_max: int = FILE_MAX) -> None:
        self._path = path
        self._file_max = file_max
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size
        self.lost_bytes = 0

    def write(self, lines: bytes) -> None:
        """A full disk loses output, never the container: what could not be written is counted in `lost_bytes`."""
        try:
            if self._size + len(lines) > self._file_max and self._size:
                self._rotate()
            self._size += os.write(self._fd, lines)
        except OSError:
            self.lost_bytes += len(lines)

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _rotate(self) -> None:
        os.replace(self._path, f"{self._path}{ROTATED_SUFFIX}")
        os.close(self._fd)
        self._fd = self._open()
        self._size = 0
