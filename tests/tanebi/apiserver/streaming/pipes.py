"""Two ends of a connection without a socket, and a SPDY client that writes its frames by itself."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Mapping

import anyio
from anyio.lowlevel import checkpoint

from tanebi.apiserver.streaming.dictionary import DICTIONARY
from tanebi.apiserver.streaming.spdy import FIN, PING, RST_STREAM, SYN_STREAM
from tanebi.apiserver.streaming.wire import WireBroken


class MemoryPipe:
    """The server's end; `say` and `heard` are the client's."""

    def __init__(self) -> None:
        self._said: deque[bytes] = deque()
        self._left = False
        self._news = anyio.Event()
        self.sent = b""
        self.closed = anyio.Event()

    async def receive(self) -> bytes:
        while not self._said:
            if self._left:
                return b""
            self._news = anyio.Event()
            await self._news.wait()
        return self._said.popleft()

    async def send(self, data: bytes) -> None:
        if self.closed.is_set():
            raise WireBroken("closed")
        self.sent += data
        await checkpoint()

    async def close(self) -> None:
        self.closed.set()

    def say(self, data: bytes) -> None:
        self._said.append(data)
        self._news.set()

    def leave(self) -> None:
        self._left = True
        self._news.set()


class SpdyClient:
    """Frames as a client writes them, and those of a server taken apart."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def open(self, stream: int, headers: Mapping[str, str], *, flags: int = 0) -> bytes:
        plain = len(headers).to_bytes(4, "big")
        for name, value in headers.items():
            for word in (name.encode(), value.encode()):
                plain += len(word).to_bytes(4, "big") + word
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(SYN_STREAM, stream.to_bytes(4, "big") + bytes(6) + block, flags)

    @staticmethod
    def data(stream: int, data: bytes, *, end: bool = False) -> bytes:
        return (
            stream.to_bytes(4, "big")
            + bytes((FIN if end else 0,))
            + len(data).to_bytes(3, "big")
            + data
        )

    @staticmethod
    def ping(number: int) -> bytes:
        return control(PING, number.to_bytes(4, "big"))

    @staticmethod
    def reset(stream: int) -> bytes:
        return control(RST_STREAM, stream.to_bytes(4, "big") + (5).to_bytes(4, "big"))


def control(kind: int, body: bytes, flags: int = 0, version: int = 3) -> bytes:
    head = (0x8000 | version).to_bytes(2, "big") + kind.to_bytes(2, "big")
    return head + bytes((flags,)) + len(body).to_bytes(3, "big") + body


def frames(data: bytes) -> list[tuple[int, int, bytes]]:
    """(control type or 0, stream or flags, payload) of each; data frames carry their stream, and end with FIN as payload end."""
    found = []
    while data:
        length = int.from_bytes(data[5:8], "big")
        body, rest = data[8 : 8 + length], data[8 + length :]
        if data[0] & 0x80:
            found.append((int.from_bytes(data[2:4], "big"), int.from_bytes(body[:4], "big"), body))
        else:
            found.append((0, int.from_bytes(data[:4], "big"), body))
        data = rest
    return found


def received(data: bytes, stream: int) -> bytes:
    """All data of a stream."""
    return b"".join(body for kind, number, body in frames(data) if not kind and number == stream)
