"""SPDY/3.1 without I/O: what kubectl speaks for exec, attach and port-forward where it does not use WebSocket.

Only what those need: streams that the client opens, data both ways, and the frames that keep a connection going. Bytes go in
by `feed`, which returns what happened; the methods return bytes to send. There is no flow control: the clients have none
(moby/spdystream), so a connection is slowed down by not being read. Pure. Caller: tanebi.apiserver.streaming.mux.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.apiserver.streaming.dictionary import DICTIONARY

VERSION: Final = 3
HEAD_BYTES: Final = 8
DATA_MAX: Final = 32 * 1024  # of one frame that we send
CONTROL_MAX: Final = 64 * 1024  # of one control frame that we take
HEADERS_BYTES_MAX: Final = 64 * 1024  # of one header block once decompressed
HEADERS_MAX: Final = 64
FIN: Final = 1

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = (
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
)
PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 1, 3, 5


class SpdyError(Exception):
    """The peer broke the protocol: the connection is over."""


@dataclass(frozen=True, slots=True)
class Opened:
    stream: int
    headers: Mapping[str, str]
    ended: bool


@dataclass(frozen=True, slots=True)
class Data:
    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class Reset:
    stream: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """To be answered with `answer`."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Leaving:
    """The client opens no more streams."""


Event = Opened | Data | Reset | Pinged | Leaving


class ServerSide:
    """One connection. Holds back a control frame that is not whole yet, and no data."""

    def __init__(self) -> None:
        self._held = b""
        self._stream = 0  # whose data comes now
        self._left = 0  # bytes of it
        self._ends = False  # with the last of them
        self._last = 0  # stream that the client opened
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    # --- in ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> list[Event]:
        """Raises SpdyError."""
        events: list[Event] = []
        data = self._held + data if self._held else data
        at, size = 0, len(data)
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                events.append(Data(self._stream, piece, self._ends and not self._left))
                continue
            if size - at < HEAD_BYTES:
                break
            length = int.from_bytes(data[at + 5 : at + 8], "big")
            if data[at] & 0x80:
                if length > CONTROL_MAX:
                    raise SpdyError(f"a control frame of {length} bytes")
                if size - at < HEAD_BYTES + length:
                    break
                events += self._control(data[at : at + HEAD_BYTES + length])
                at += HEAD_BYTES + length
            else:
                self._stream = int.from_bytes(data[at : at + 4], "big")
                self._left, self._ends = length, bool(data[at + 4] & FIN)
                if not length:
                    events.append(Data(self._stream, b"", self._ends))
                at += HEAD_BYTES
        self._held = data[at:]
        return events

    def _control(self, frame: bytes) -> list[Event]:
        version, kind = int.from_bytes(frame[:2], "big") & 0x7FFF, int.from_bytes(frame[2:4], "big")
        if version != VERSION:
            raise SpdyError(f"SPDY version {version}; the one understood is {VERSION}")
        body = frame[HEAD_BYTES:]
        match kind:
            case n if n == SYN_STREAM:
                return [self._opened(frame[4], body)]
            case n if n == RST_STREAM:
                return [Reset(_number(body, 0))]
            case n if n == PING:
                # Our own pings would be even; we send none.
                return [Pinged(frame)] if _number(body, 0) % 2 else []
            case n if n == GOAWAY:
                return [Leaving()]
            case n if n == HEADERS:
                self._headers(body[4:])  # the compression's state runs through all blocks
                return []
            case n if n in (SETTINGS, WINDOW_UPDATE):
                return []
        raise SpdyError(f"a control frame of type {kind}")

    def _opened(self, flags: int, body: bytes) -> Opened:
        stream = _number(body, 0)
        if stream <= self._last or stream % 2 == 0:
            raise SpdyError(f"stream {stream} cannot be opened after {self._last}")
        self._last = stream
        return Opened(stream, self._headers(body[10:]), bool(flags & FIN))

    def _headers(self, block: bytes) -> Mapping[str, str]:
        """Names in lower case; of a repeated value the first."""
        try:
            plain = self._inflate.decompress(block, HEADERS_BYTES_MAX)
        except zlib.error as error:
            raise SpdyError(f"a header block that is not compressed right: {error}") from error
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"a header block of more than {HEADERS_BYTES_MAX} bytes")
        count, at = _number(plain, 0), 4
        if count > HEADERS_MAX:
            raise SpdyError(f"{count} headers")
        words: list[str] = []
        for _ in range(2 * count):
            end = at + 4 + _number(plain, at)
            if end > len(plain):
                raise SpdyError("a header block that ends too early")
            words.append(plain[at + 4 : end].decode("latin-1"))
            at = end
        pairs = zip(words[::2], words[1::2], strict=True)
        return {name.lower(): value.partition("\0")[0] for name, value in pairs}

    # --- out -----------------------------------------------------------------------------------

    def reply(self, stream: int) -> bytes:
        """The stream is taken."""
        block = self._deflate.compress(bytes(4)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(SYN_REPLY, 0, stream.to_bytes(4, "big") + block)

    def data(self, stream: int, data: bytes, *, end: bool = False) -> bytes:
        frames: list[bytes] = []
        for at in range(0, max(len(data), 1), DATA_MAX):
            piece = data[at : at + DATA_MAX]
            flags = FIN if end and at + DATA_MAX >= len(data) else 0
            head = stream.to_bytes(4, "big") + bytes((flags,)) + len(piece).to_bytes(3, "big")
            frames += (head, piece)
        return b"".join(frames)

    def reset(self, stream: int, why: int = CANCEL) -> bytes:
        return _frame(RST_STREAM, 0, stream.to_bytes(4, "big") + why.to_bytes(4, "big"))

    def goaway(self) -> bytes:
        return _frame(GOAWAY, 0, self._last.to_bytes(4, "big") + bytes(4))


def _frame(kind: int, flags: int, body: bytes) -> bytes:
    head = (0x8000 | VERSION).to_bytes(2, "big") + kind.to_bytes(2, "big")
    return head + bytes((flags,)) + len(body).to_bytes(3, "big") + body


def _number(data: bytes, at: int) -> int:
    if len(data) < at + 4:
        raise SpdyError("a frame that ends too early")
    return int.from_bytes(data[at : at + 4], "big") & 0x7FFFFFFF
