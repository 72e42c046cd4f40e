"""One upgraded connection as a pipe of bytes: read and written at the pace of its two ends.

`Wire` is the socket's protocol from the day of the upgrade. It takes in at most READ_AHEAD_MAX bytes that nobody has asked
for, and a send waits until the socket has taken what was sent before. Callers: tanebi.apiserver.streaming.door and what it
starts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

import anyio

from tanebi.http.tunnel import KEEPALIVE

READ_AHEAD_MAX: Final = 256 * 1024
SEND_S: Final = 600.0  # how long a peer may read nothing at all
CLOSE_S: Final = 2.0  # how long the last bytes may take to go out


class WireBroken(Exception):
    """The connection is gone, or its peer does not read."""


class Pipe(Protocol):
    async def receive(self) -> bytes:
        """Some bytes, or none at the end of the connection."""

    async def send(self, data: bytes) -> None:
        """Raises WireBroken."""

    async def close(self) -> None: ...


class Wire(asyncio.Protocol):
    """Implements Pipe over a socket."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._lost = False
        self._paused = False
        self._news = anyio.Event()  # something came
        self._room = anyio.Event()  # the socket takes more
        self._gone = anyio.Event()
        own = transport.get_extra_info("socket")
        if own is not None:
            for level, option, value in KEEPALIVE:
                own.setsockopt(level, option, value)

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > READ_AHEAD_MAX and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._lost = True
        self._news.set()
        self._room.set()
        self._gone.set()

    def pause_writing(self) -> None:
        self._room = anyio.Event()

    def resume_writing(self) -> None:
        self._room.set()

    # --- Pipe ----------------------------------------------------------------------------------

    async def receive(self) -> bytes:
        while not self._chunks:
            if self._ended:
                return b""
            self._news = anyio.Event()
            await self._news.wait()
        data = self._chunks.popleft()
        self._size -= len(data)
        if self._paused and self._size <= READ_AHEAD_MAX // 2:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    async def send(self, data: bytes) -> None:
        if self._lost or self._transport.is_closing():
            raise WireBroken("the client is gone")
        self._transport.write(data)
        if self._transport.get_write_buffer_size() == 0:
            return
        with anyio.move_on_after(SEND_S):
            await self._drained()
            return
        self._transport.abort()
        raise WireBroken(f"the client has read nothing for {SEND_S:g} s")

    async def _drained(self) -> None:
        """Raises WireBroken."""
        if self._is_full():
            await self._room.wait()
        if self._lost:
            raise WireBroken("the client is gone")

    def _is_full(self) -> bool:
        _, high = self._transport.get_write_buffer_limits()
        return bool(self._transport.get_write_buffer_size() > high)

    async def close(self) -> None:
        """What was sent still goes out, if the peer reads it soon."""
        self._transport.close()
        with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_S):
            await self._gone.wait()
            return
        self._transport.abort()
