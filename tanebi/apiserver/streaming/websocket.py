"""The server's side of a WebSocket: the handshake as bytes, and messages over a wire.

Framing is wsproto's. A message may be of any length: it is handed on in the pieces in which it comes. Caller:
tanebi.apiserver.streaming.door.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import RemoteProtocolError

from tanebi.apiserver.streaming.wire import Pipe, WireBroken

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
VERSION: Final = b"13"
NORMAL: Final = 1000
SEND_MAX: Final = 32 * 1024  # of one message that we send


class BadHandshake(Exception):
    """The request is no WebSocket request that we can answer."""


def accept(key: bytes, version: bytes, protocol: str) -> bytes:
    """The 101 that takes the connection over. Raises BadHandshake."""
    if version != VERSION:
        raise BadHandshake(f"the WebSocket version understood is {VERSION.decode()}")
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            raise BadHandshake("Sec-WebSocket-Key must be 16 bytes")
    except binascii.Error as error:
        raise BadHandshake("Sec-WebSocket-Key is not base64") from error
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\nSec-WebSocket-Protocol: %b\r\n\r\n"
    ) % (proof, protocol.encode("latin-1"))


def choose(offered: Sequence[str], known: Sequence[str]) -> str | None:
    """The first of `known` that the client offers."""
    return next((protocol for protocol in known if protocol in offered), None)


class WebSocket:
    """Messages over a wire. `receive` is called by one task at a time, and so is `send`."""

    def __init__(self, wire: Pipe) -> None:
        self._wire = wire
        self._connection = Connection(ConnectionType.SERVER)
        self._pieces: list[tuple[bytes, bool]] = []

    async def receive(self) -> tuple[bytes, bool] | None:
        """A piece of a message and whether it is its last one; None when the connection has ended or the peer broke the rules."""
        while not self._pieces:
            if self._connection.state is not ConnectionState.OPEN:
                return None
            data = await self._wire.receive()
            if not data:
                return None
            try:
                self._connection.receive_data(data)
                if not await self._take():
                    return None
            except (RemoteProtocolError, WireBroken):
                return None
        return self._pieces.pop(0)

    async def _take(self) -> bool:
        """Sort what came. False: nothing more will, and there is nothing left to hand on."""
        for event in self._connection.events():
            match event:
                case BytesMessage():
                    self._pieces.append((bytes(event.data), event.message_finished))
                case TextMessage():
                    self._pieces.append((event.data.encode(), event.message_finished))
                case Ping():
                    await self._wire.send(self._connection.send(event.response()))
                case CloseConnection():
                    if self._connection.state is not ConnectionState.CLOSED:
                        await self._wire.send(self._connection.send(event.response()))
                    return bool(self._pieces)
        return True

    async def send(self, data: bytes) -> None:
        """One message. Raises WireBroken."""
        if self._connection.state is not ConnectionState.OPEN:
            raise WireBroken("the client has closed")
        await self._wire.send(self._connection.send(BytesMessage(data=data)))

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        try:
            if self._connection.state is ConnectionState.OPEN:
                closing = CloseConnection(code=code, reason=reason[:120] or None)
                await self._wire.send(self._connection.send(closing))
        except WireBroken:
            pass
        await self._wire.close()


class Tunnelled:
    """Implements Pipe: the bytes of all messages, one after the other."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        while True:
            piece = await self._socket.receive()
            if piece is None:
                return b""
            if piece[0]:
                return piece[0]

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), SEND_MAX):
            await self._socket.send(data[at : at + SEND_MAX])

    async def close(self) -> None:
        await self._socket.close()
