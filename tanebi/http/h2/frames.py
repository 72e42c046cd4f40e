"""The bytes of HTTP/2 frames: numbers, errors, and how frames are written.

Pure. Reading is tanebi.http.h2.connection's: it takes frames apart where they arrive. Rules: RFC 9113 §4, §6, §7.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD: Final = struct.Struct(">BHBBL")  # length (24 bits), type, flags, stream
HEAD_BYTES: Final = 9
U32: Final = struct.Struct(">L")
SETTING: Final = struct.Struct(">HL")

FRAME_MAX: Final = 16384  # what everybody must take; we never ask for more
WINDOW_DEFAULT: Final = 65535
WINDOW_MAX: Final = 2**31 - 1
STREAM_MASK: Final = 2**31 - 1


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


END_STREAM: Final = 1
ACK: Final = 1
END_HEADERS: Final = 4
PADDED: Final = 8
PRIORITISED: Final = 32


class Setting(IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Code(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Broken(Exception):
    """The peer broke a rule that ends the connection."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class StreamBroken(Exception):
    """The peer broke a rule that ends one stream."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    size = len(payload)
    return HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings_frame(values: Mapping[Setting, int]) -> bytes:
    return frame(Kind.SETTINGS, 0, 0, b"".join(SETTING.pack(k, v) for k, v in values.items()))


def window_update(stream: int, increment: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, stream, U32.pack(increment))


def rst_stream(stream: int, code: int) -> bytes:
    return frame(Kind.RST_STREAM, 0, stream, U32.pack(code))


def goaway(last_stream: int, code: int, text: bytes = b"") -> bytes:
    return frame(Kind.GOAWAY, 0, 0, U32.pack(last_stream) + U32.pack(code) + text)


def headers_frames(stream: int, block: bytes, *, ended: bool, frame_max: int) -> bytes:
    """A header block as one HEADERS frame and as many CONTINUATIONs as it takes."""
    flags = END_STREAM if ended else 0
    if len(block) <= frame_max:
        return frame(Kind.HEADERS, flags | END_HEADERS, stream, block)
    parts = [frame(Kind.HEADERS, flags, stream, block[:frame_max])]
    for at in range(frame_max, len(block), frame_max):
        last = at + frame_max >= len(block)
        piece = block[at : at + frame_max]
        parts.append(frame(Kind.CONTINUATION, END_HEADERS if last else 0, stream, piece))
    return b"".join(parts)
