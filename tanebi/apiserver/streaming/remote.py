"""One exec or attach: what the client types goes to the session, what the session prints to the client, and at last how it ended.

The same over WebSocket (a channel number in front of each message) and over SPDY (a stream for each channel). Caller:
tanebi.apiserver.streaming.door.
"""

from __future__ import annotations

from typing import Final, Protocol

import anyio
import orjson

from tanebi.api.meta import Obj
from tanebi.api.podstreams import STDOUT, Session, Wish
from tanebi.apiserver.streaming import channels
from tanebi.apiserver.streaming.channels import CLOSE, ERROR, OF_TYPE, RESIZE, STDIN, Piece
from tanebi.apiserver.streaming.mux import Mux, SpdyStream
from tanebi.apiserver.streaming.websocket import SEND_MAX, WebSocket
from tanebi.apiserver.streaming.wire import WireBroken

STREAMS_S: Final = 30.0  # how long a SPDY client may take to open its streams
STATUS_S: Final = 10.0  # how long a client has to take the Status


class Channels(Protocol):
    """The client, seen as numbered channels."""

    async def begin(self) -> None:
        """Raises WireBroken, NoStreams."""

    async def feed(self, session: Session) -> None:
        """Hand on what the client types, until it is gone."""

    async def send(self, channel: int, data: bytes) -> None:
        """Raises WireBroken."""

    async def finish(self, status: bytes) -> None:
        """The last word, and the end of the connection."""


class NoStreams(Exception):
    """The client did not open the streams that it asked for."""


async def serve(client: Channels, session: Session) -> None:
    """Until the session has ended or the client has gone; then the session is closed and so is the connection."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_input, client, session, tasks.cancel_scope)
            status = await _output(client, session)
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), anyio.move_on_after(STATUS_S):
                await client.finish(orjson.dumps(status))
    finally:
        with anyio.CancelScope(shield=True):
            await session.close()


async def _output(client: Channels, session: Session) -> Obj:
    try:
        async for channel, data in session.output():
            await client.send(channel, data)
        return channels.ended(await session.wait())
    except WireBroken:
        return channels.failed("the client is gone")
    except OSError as error:
        return channels.failed(f"the container's streams broke: {error}")


async def _input(client: Channels, session: Session, scope: anyio.CancelScope) -> None:
    await client.feed(session)
    scope.cancel()


async def _hand_on(session: Session, piece: Piece) -> None:
    if piece.channel == STDIN:
        if piece.data:
            await session.write(piece.data)
        if piece.ended:
            await session.write_end()
    elif piece.channel == RESIZE and (size := channels.read_size(piece.data)):
        await session.resize(*size)


class WebSocketChannels:
    """`v4.channel.k8s.io` and `v5.channel.k8s.io`, and with `plain` the oldest, `channel.k8s.io`."""

    def __init__(self, socket: WebSocket, wish: Wish, *, plain: bool = False) -> None:
        self._plain = plain
        self._socket = socket
        self._wish = wish
        self._channel: int | None = None  # of the message that is coming in
        self._sending = anyio.Lock()

    async def begin(self) -> None:
        # An empty message tells clients that the other side is there.
        await self.send(STDOUT if self._wish.stdout else ERROR, b"")

    async def feed(self, session: Session) -> None:
        while (piece := await self._receive()) is not None:
            await _hand_on(session, piece)

    async def _receive(self) -> Piece | None:
        while (piece := await self._socket.receive()) is not None:
            data, last = piece
            channel = self._channel
            if channel is None:
                if not data:
                    continue
                channel, data = data[0], data[1:]
            self._channel = None if last else channel
            if channel == CLOSE:
                return Piece(data[0] if data else CLOSE, b"", ended=True)
            return Piece(channel, data)
        return None

    async def send(self, channel: int, data: bytes) -> None:
        prefix = bytes((channel,))
        async with self._sending:
            for at in range(0, max(len(data), 1), SEND_MAX):
                await self._socket.send(prefix + data[at : at + SEND_MAX])

    async def finish(self, status: bytes) -> None:
        if self._plain:
            status = str(orjson.loads(status).get("message", "")).encode()
        try:
            if status:
                await self.send(ERROR, status)
        except WireBroken:
            pass
        await self._socket.close()


class SpdyChannels:
    """A stream for each channel, known by its `streamtype`. The Mux runs meanwhile."""

    def __init__(self, mux: Mux, wish: Wish) -> None:
        self._mux = mux
        self._wanted = {ERROR} | {
            channel
            for channel, wished in (
                (channels.STDIN, wish.stdin),
                (channels.STDOUT, wish.stdout),
                (channels.STDERR, wish.stderr),
                (RESIZE, wish.tty),
            )
            if wished
        }
        self._streams: dict[int, SpdyStream] = {}

    async def begin(self) -> None:
        with anyio.move_on_after(STREAMS_S):
            while self._wanted - self._streams.keys():
                stream = await self._mux.accept()
                if stream is None:
                    raise WireBroken("the client is gone")
                channel = OF_TYPE.get(stream.kind)
                if channel not in self._wanted or channel in self._streams:
                    raise NoStreams(f"a stream of type {stream.kind!r} was not asked for")
                self._streams[channel] = stream
            return
        raise NoStreams(f"the streams were not opened within {STREAMS_S:g} s")

    async def feed(self, session: Session) -> None:
        async with anyio.create_task_group() as tasks:
            for channel in (STDIN, RESIZE):
                if stream := self._streams.get(channel):
                    tasks.start_soon(self._feed, stream, channel, session)
            while (stray := await self._mux.accept()) is not None:
                await stray.reset()
            tasks.cancel_scope.cancel()

    async def _feed(self, stream: SpdyStream, channel: int, session: Session) -> None:
        while data := await stream.receive():
            await _hand_on(session, Piece(channel, data))
        await _hand_on(session, Piece(channel, b"", ended=True))

    async def send(self, channel: int, data: bytes) -> None:
        stream = self._streams.get(channel)
        if stream is not None:
            await stream.send(data)

    async def finish(self, status: bytes) -> None:
        try:
            await self._streams[ERROR].send(status)
            for stream in self._streams.values():
                await stream.send_end()
        except WireBroken:
            pass
        await self._mux.close()
