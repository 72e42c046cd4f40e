"""Clients and servers that speak HTTP byte by byte, for tests of what is between them.

Answers are read by h11, which is not the parser under test. Not for anything but tests.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import h11

from tanebi.testing.waiting import wait_until

Address = tuple[str, int]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Answered:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> bytes | None:
        return next((v for n, v in self.headers if n.lower() == name.lower().encode()), None)


class Client:
    """One client connection. Answers are read by h11, which is not the parser under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def get(self, target: str = "/", *, host: str, method: str = "GET", extra: str = "") -> None:
        """Send a request without a body. `extra` are header lines, each ended."""
        self.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode())

    async def answer(self, *, method: str = "GET", within_s: float = 10.0) -> Answered:
        """The next final answer. Raises h11.RemoteProtocolError when the connection ends first."""
        with anyio.fail_after(within_s):
            return await self._answer(method)

    async def _answer(self, method: str) -> Answered:
        if self._h11.our_state is h11.IDLE:
            self._h11.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
            self._h11.send(h11.EndOfMessage())
        status, body = 0, b""
        headers: list[tuple[bytes, bytes]] = []
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.Response):
                status, headers = event.status_code, list(event.headers.raw_items())
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
                    self._h11.start_next_cycle()
                return Answered(status, headers, body)

    async def closed(self, within_s: float = 5.0) -> bytes:
        """What else comes until the connection ends."""
        with anyio.fail_after(within_s):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""
            finally:
                self.writer.close()

    def end(self) -> None:
        """Send no more; read on."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Leave so that the other side hears of it at once: a close alone could be a half-close."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


async def connect(address: Address) -> Client:
    return Client(*await asyncio.open_connection(*address))


@asynccontextmanager
async def serving(handler: Handler, *, limit: int = 1 << 22) -> AsyncIterator[Address]:
    """An app on a real socket; it takes in twice `limit` bytes unasked.
    At the end its connections are cut and its handlers are gone."""
    running: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running[task] = writer
        try:
            await handler(reader, writer)
        except (ConnectionError, EOFError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()
            del running[task]

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, limit=limit)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        with anyio.CancelScope(shield=True):
            await wait_until(lambda: not running, 2)
            await anyio.lowlevel.checkpoint()  # transports tell their ends in the next turn


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request. Raises EOFError at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return head, await _chunks(reader)
        if b"content-length: " in lower:
            length = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head, await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise EOFError from error
    return head, b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


def answering(respond: Callable[[bytes, bytes], bytes]) -> Handler:
    """An app that answers each request with the bytes that `respond(head, body)` returns; None or b"" ends the connection."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head, body = await read_request(reader)
                out = respond(head, body)
                if not out:
                    break
                writer.write(out)
                await writer.drain()
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    return handler


def ok(body: bytes, *lines: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
