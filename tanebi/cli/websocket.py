"""A WebSocket to the API server: one stream of a pod, seen from a command.

Framing is wsproto's. A message is handed on in the pieces in which it comes, so that memory stays flat; a refusal is the
server's own Status. Callers: tanebi.cli.session, tanebi.cli.portforward.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final
from urllib.parse import urlencode, urlsplit

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSStream
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
)
from wsproto.utilities import ProtocolError

from tanebi.base.errors import PeerError, Unavailable
from tanebi.base.settings import DataDir
from tanebi.cli.answers import BROKEN, Answer, SocketLost
from tanebi.cli.client import TIMEOUT_S, answer
from tanebi.cli.platform import Access, not_running
from tanebi.http.tunnel import KEEPALIVE

READ_BYTES: Final = 64 * 1024
REFUSAL_MAX_BYTES: Final = 1024 * 1024
CLOSE_S: Final = 2.0  # how long a goodbye may take


class WebSocket:
    """`receive` is called by one task at a time; `send` by any."""

    def __init__(self, stream: TLSStream) -> None:
        self._stream = stream
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._pieces: list[tuple[bytes, bool]] = []
        self._sending = anyio.Lock()

    async def __aenter__(self) -> WebSocket:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye if it goes quickly, and close."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_S):
            try:
                if self._connection.state is ConnectionState.OPEN:
                    await self._put(self._connection.send(CloseConnection(code=1000)))
            except SocketLost:
                pass
        await anyio.aclose_forcefully(self._stream)

    async def shake_hands(self, request: Request) -> None:
        """Raises ApiFailure when the server refuses, PeerError when it talks nonsense, SocketLost when it is gone."""
        await self._put(self._connection.send(request))
        status, body, done = 0, b"", False
        while not done and len(body) <= REFUSAL_MAX_BYTES:
            try:
                self._connection.receive_data(await self._stream.receive(READ_BYTES))
                event = next(self._connection.events(), None)
                while event is not None and not isinstance(event, AcceptConnection):
                    if isinstance(event, RejectConnection):
                        status, done = event.status_code, not event.has_body
                    elif isinstance(event, RejectData):
                        body, done = body + event.data, event.body_finished
                    event = next(self._connection.events(), None)
            except ProtocolError as error:
                raise _nonsense() from error
            except BROKEN as error:
                raise SocketLost from error
            if event is not None:
                for reply in self._sort():  # what came right behind the handshake
                    await self._put(reply)
                return
        answer(status, body)
        raise _nonsense()

    async def receive(self) -> tuple[bytes, bool] | None:
        """A piece of a message and whether it is its last one; None when the connection has ended."""
        while not self._pieces:
            if self._connection.state is not ConnectionState.OPEN:
                return None
            try:
                self._connection.receive_data(await self._stream.receive(READ_BYTES))
                for reply in self._sort():
                    await self._put(reply)
            except (*BROKEN, ProtocolError, SocketLost):
                return self._pieces.pop(0) if self._pieces else None
        return self._pieces.pop(0)

    def _sort(self) -> list[bytes]:
        """Put aside what came. Returns what is to be answered at once."""
        replies: list[bytes] = []
        for event in self._connection.events():
            match event:
                case BytesMessage():
                    self._pieces.append((bytes(event.data), event.message_finished))
                case Message():
                    self._pieces.append((str(event.data).encode(), event.message_finished))
                case Ping():
                    replies.append(self._connection.send(event.response()))
                case CloseConnection():
                    if self._connection.state is not ConnectionState.CLOSED:
                        replies.append(self._connection.send(event.response()))
        return replies

    async def send(self, data: bytes) -> None:
        """One message; waits while the other side does not read. Raises SocketLost."""
        async with self._sending:
            if self._connection.state is not ConnectionState.OPEN:
                raise SocketLost
            await self._write(self._connection.send(BytesMessage(data=data)))

    async def _put(self, data: bytes) -> None:
        async with self._sending:
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except BROKEN as error:
            raise SocketLost from error


class Door:
    """Opens WebSockets, and asks plain questions, at the API server of one platform. Each on a connection of its own."""

    def __init__(self, where: Access, home: DataDir) -> None:
        self._home = home
        self._parts = urlsplit(where.server)
        self._tls = ssl.create_default_context(cadata=where.ca_pem)
        self._bearer = f"Bearer {where.token}".encode("latin-1")

    async def open(
        self, path: str, query: Iterable[tuple[str, str]], protocols: Sequence[str]
    ) -> WebSocket:
        """Raises ApiFailure for a refusal, Unavailable when nobody listens or answers in time."""
        request = Request(
            host=self._parts.netloc,
            target=f"{path}?{urlencode(list(query))}",
            extra_headers=[(b"authorization", self._bearer)],
            subprotocols=list(protocols),
        )
        with self._deadline():
            stream = await self._connect()
            socket = WebSocket(stream)
            await self._or_close(stream, socket.shake_hands(request))
        return socket

    async def ask(self, path: str, query: Iterable[tuple[str, str]] = ()) -> Answer:
        """GET, from the first line on. Raises as `open` does."""
        target = f"{path}?{urlencode(list(query))}".removesuffix("?")
        head = f"GET {target} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nAccept: application/json\r\nAuthorization: "
        with self._deadline():
            stream = await self._connect()
            said = Answer(stream)
            await self._or_close(stream, said.begin(head.encode() + self._bearer + b"\r\n\r\n"))
        return said

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        try:
            with anyio.fail_after(TIMEOUT_S):
                yield
        except TimeoutError as error:
            message = f"the API server did not answer within {TIMEOUT_S:g} s"
            raise Unavailable("api-slow", message) from error

    async def _connect(self) -> TLSStream:
        host = self._parts.hostname
        assert host is not None, "a kubeconfig's server has a host"
        try:
            stream = await anyio.connect_tcp(
                host,
                self._parts.port or 443,
                ssl_context=self._tls,
                tls_standard_compatible=False,
            )
        except (OSError, *BROKEN) as error:
            raise not_running(self._home) from error
        own = stream.extra(SocketAttribute.raw_socket)
        for level, option, value in KEEPALIVE:
            own.setsockopt(level, option, value)
        return stream

    async def _or_close(self, stream: TLSStream, talk: Awaitable[None]) -> None:
        try:
            await talk
        except BaseException as error:
            await anyio.aclose_forcefully(stream)
            if isinstance(error, SocketLost):
                raise not_running(self._home) from error
            raise


def _nonsense() -> PeerError:
    return PeerError(
        "stream-lost",
        "the API server did not answer a request for a stream as it should",
        hint="look at what the platform prints; tanebi version and the platform's should be the same",
    )
