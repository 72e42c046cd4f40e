"""SPDY streams over a pipe: one task reads and sorts, others read and write their streams.

A stream that is not read holds up the connection once STREAM_AHEAD_MAX of its bytes wait: that is all the flow control there is
(tanebi.apiserver.streaming.spdy). Callers: tanebi.apiserver.streaming.remote and forward.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import anyio

from tanebi.apiserver.streaming import spdy
from tanebi.apiserver.streaming.wire import Pipe, WireBroken

STREAMS_MAX: Final = 1024
STREAM_AHEAD_MAX: Final = 256 * 1024


class SpdyStream:
    """One stream, opened by the client."""

    def __init__(self, mux: Mux, number: int, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._mux = mux
        self._number = number
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._news = anyio.Event()
        self._taken = anyio.Event()
        self._we_ended = False
        self.they_ended = False

    @property
    def kind(self) -> str:
        return self.headers.get("streamtype", "")

    async def receive(self) -> bytes:
        """Some bytes, or none when the client sends no more."""
        while not self._chunks:
            if self.they_ended:
                return b""
            self._news = anyio.Event()
            await self._news.wait()
        data = self._chunks.popleft()
        self._size -= len(data)
        self._taken.set()
        return data

    async def send(self, data: bytes) -> None:
        """Raises WireBroken."""
        if not self._we_ended and data:
            await self._mux.send(self._mux.spdy.data(self._number, data))

    async def send_end(self) -> None:
        """Raises WireBroken."""
        if not self._we_ended:
            self._we_ended = True
            await self._mux.send(self._mux.spdy.data(self._number, b"", end=True))
            self._forget_if_over()

    async def reset(self) -> None:
        """Nobody wants the rest. Raises WireBroken."""
        if not (self._we_ended and self.they_ended):
            self._we_ended = self.they_ended = True
            await self._mux.send(self._mux.spdy.reset(self._number))
        self._mux.streams.pop(self._number, None)
        self.ended()

    async def take(self, data: bytes, *, ended: bool) -> None:
        """By the reading task: waits until there is room."""
        while self._size > STREAM_AHEAD_MAX and not self.they_ended:
            self._taken = anyio.Event()
            await self._taken.wait()
        if data and not self.they_ended:
            self._chunks.append(data)
            self._size += len(data)
            self._news.set()
        if ended:
            self.ended()
            self._forget_if_over()

    def ended(self) -> None:
        self.they_ended = True
        self._news.set()
        self._taken.set()

    def _forget_if_over(self) -> None:
        if self._we_ended and self.they_ended:
            self._mux.streams.pop(self._number, None)


class Mux:
    """`run` reads until the connection ends; `accept` gives the streams that the client opens, each already replied to."""

    def __init__(self, pipe: Pipe) -> None:
        self.spdy = spdy.ServerSide()
        self.streams: dict[int, SpdyStream] = {}
        self._pipe = pipe
        self._opened: deque[SpdyStream] = deque()
        self._news = anyio.Event()
        self._sending = anyio.Lock()
        self._over = False

    async def run(self) -> None:
        try:
            while data := await self._pipe.receive():
                for event in self.spdy.feed(data):
                    await self._on(event)
        except (spdy.SpdyError, WireBroken):
            pass  # the client hears of it by the end of its connection
        finally:
            self._over = True
            self._news.set()
            for stream in list(self.streams.values()):
                stream.ended()

    async def accept(self) -> SpdyStream | None:
        """None: the connection has ended."""
        while not self._opened:
            if self._over:
                return None
            self._news = anyio.Event()
            await self._news.wait()
        return self._opened.popleft()

    async def send(self, frames: bytes) -> None:
        """Raises WireBroken."""
        async with self._sending:
            await self._pipe.send(frames)

    async def _on(self, event: spdy.Event) -> None:
        match event:
            case spdy.Opened(number, headers, ended):
                await self._open(number, headers, ended=ended)
            case spdy.Data(number, data, ended):
                stream = self.streams.get(number)
                if stream is not None:
                    await stream.take(data, ended=ended)
            case spdy.Reset(number):
                stream = self.streams.pop(number, None)
                if stream is not None:
                    stream.ended()
            case spdy.Pinged(answer):
                await self.send(answer)
            case spdy.Leaving():
                pass  # what is open goes on

    async def _open(self, number: int, headers: Mapping[str, str], *, ended: bool) -> None:
        if len(self.streams) >= STREAMS_MAX:
            await self.send(self.spdy.reset(number, spdy.REFUSED_STREAM))
            return
        stream = self.streams[number] = SpdyStream(self, number, headers)
        if ended:
            stream.ended()
        await self.send(self.spdy.reply(number))
        self._opened.append(stream)
        self._news.set()

    async def close(self) -> None:
        """Say that this is the end, and end it."""
        try:
            await self.send(self.spdy.goaway())
        except WireBroken:
            pass
        await self._pipe.close()
