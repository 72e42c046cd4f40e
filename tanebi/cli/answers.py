"""One HTTP answer line by line, without a thread: for commands that watch an object beside their other work.

Caller: tanebi.cli.websocket, whose Door makes the connection; tanebi.cli.podnames reads the lines.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Final

import anyio
import httptools
from anyio.abc import ByteStream

from tanebi.base.errors import PeerError
from tanebi.cli.client import answer

READ_BYTES: Final = 64 * 1024
LINE_MAX_BYTES: Final = 16 * 1024 * 1024
BROKEN: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    ssl.SSLError,
)


class SocketLost(Exception):
    """The connection is over; nothing can be sent."""


class Answer:
    """An async context manager: the connection is closed at its end."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._headed = self._ended = False

    # --- httptools -----------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self._ended = True

    # -------------------------------------------------------------------------------------------

    async def begin(self, request: bytes) -> None:
        """Ask. Raises ApiFailure for a refusal, PeerError for nonsense, SocketLost when the server is gone."""
        try:
            await self._stream.send(request)
        except BROKEN as error:
            raise SocketLost from error
        while not self._headed:
            await self._read()
        if (status := self._parser.get_status_code()) >= 400:
            while not self._ended:
                await self._read()
            answer(status, self._body)

    async def line(self) -> bytes | None:
        """The next line, or what is behind the last one; None at the end. A line that is cut short is none."""
        while b"\n" not in self._body:
            if self._ended:
                rest, self._body = self._body, b""
                return rest or None
            try:
                await self._read()
            except SocketLost:
                self._ended, self._body = True, b""
        line, _, self._body = self._body.partition(b"\n")
        return line

    async def _read(self) -> None:
        try:
            self._parser.feed_data(await self._stream.receive(READ_BYTES))
        except BROKEN as error:
            raise SocketLost from error
        except httptools.HttpParserError as error:
            raise _nonsense("no HTTP") from error
        if len(self._body) > LINE_MAX_BYTES:
            raise _nonsense(f"a line of more than {LINE_MAX_BYTES} bytes")

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await anyio.aclose_forcefully(self._stream)


def _nonsense(what: str) -> PeerError:
    return PeerError(
        "stream-lost",
        f"the API server answered with {what}",
        hint="look at what the platform prints",
    )
