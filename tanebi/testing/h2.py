"""A client and an app that speak HTTP/2 by the h2 library, for tests of what is between them.

h2 is not the implementation under test. Nothing happens behind a test's back: `H2Client` reads the socket only inside a call that
waits for something. Not for anything but tests.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import h2.config
import h2.connection
import h2.events
import h2.settings

Address = tuple[str, int]
Fields = Sequence[tuple[bytes, bytes]]


@dataclass
class H2Answer:
    """What has come on one stream."""

    interim: list[int] = field(default_factory=list)
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] | None = None
    ended: bool = False
    reset: int | None = None

    def header(self, name: str) -> bytes | None:
        return next((v for n, v in self.headers if n == name.encode()), None)


class H2Client:
    """One connection. Streams in `greedy` give their windows back as data comes; others never do."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: dict[h2.settings.SettingCodes | int, int] | None = None,
    ) -> None:
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(client_side=True, header_encoding=None)
        self.h2 = h2.connection.H2Connection(config)
        self.answers: dict[int, H2Answer] = {}
        self.lazy: set[int] = set()
        self.goaway: tuple[int, int] | None = None  # code, last stream
        self.over = False
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        if settings:
            self.h2.update_settings(settings)
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def begin(
        self,
        path: str = "/",
        *,
        host: str,
        method: str = "GET",
        headers: Fields = (),
        ended: bool = True,
    ) -> int:
        """Send a head; the stream's number."""
        number: int = self.h2.get_next_available_stream_id()
        pseudo = ((":method", method), (":scheme", "http"), (":authority", host), (":path", path))
        fields = [*((n.encode(), v.encode()) for n, v in pseudo), *headers]
        self.answers[number] = H2Answer()
        self.h2.send_headers(number, fields, end_stream=ended)
        self.flush()
        return number

    async def send(self, number: int, data: bytes, *, ended: bool = False) -> None:
        """Some of the body, as the peer's windows allow."""
        while data:
            await self.until(lambda: self.h2.local_flow_control_window(number) > 0)
            size = min(
                len(data),
                self.h2.local_flow_control_window(number),
                self.h2.max_outbound_frame_size,
            )
            self.h2.send_data(number, data[:size], end_stream=ended and size == len(data))
            data = data[size:]
            self.flush()
            await self.writer.drain()

    def end(self, number: int, trailers: Fields = ()) -> None:
        if trailers:
            self.h2.send_headers(number, list(trailers), end_stream=True)
        else:
            self.h2.end_stream(number)
        self.flush()

    def reset(self, number: int, code: int = 8) -> None:
        self.h2.reset_stream(number, code)
        self.flush()

    async def answer(self, number: int, *, within_s: float = 10.0) -> H2Answer:
        """The whole answer, or what came before its reset."""
        found = self.answers[number]
        await self.until(lambda: found.ended or found.reset is not None, within_s=within_s)
        return found

    async def get(self, path: str = "/", *, host: str, headers: Fields = ()) -> H2Answer:
        return await self.answer(self.begin(path, host=host, headers=headers))

    async def until(self, ready: Callable[[], object], *, within_s: float = 10.0) -> None:
        """Read until `ready()` or the end of the connection."""
        with anyio.fail_after(within_s):
            while not ready() and not self.over:
                data = await self.reader.read(65536)
                self.over = not data
                for event in self.h2.receive_data(data) if data else ():
                    self._take(event)
                self.flush()
        assert ready(), f"the connection is over: {self.goaway}"

    def _take(self, event: Any) -> None:
        answer = self.answers.get(getattr(event, "stream_id", 0) or 0, H2Answer())
        match event:
            case h2.events.InformationalResponseReceived():
                answer.interim.append(int(dict(event.headers)[b":status"]))
            case h2.events.ResponseReceived():
                fields = [(bytes(n), bytes(v)) for n, v in event.headers]
                answer.status = int(dict(fields)[b":status"])
                answer.headers = [f for f in fields if not f[0].startswith(b":")]
            case h2.events.DataReceived():
                answer.body += event.data
                if event.stream_id not in self.lazy:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                answer.trailers = [(bytes(n), bytes(v)) for n, v in event.headers]
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                answer.reset = int(event.error_code)
            case h2.events.ConnectionTerminated():
                self.goaway = int(event.error_code or 0), event.last_stream_id or 0
            case _:
                pass

    async def closed(self, *, within_s: float = 5.0) -> tuple[int, int] | None:
        """Read to the end of the connection; what the GOAWAY said."""
        await self.until(lambda: self.over, within_s=within_s)
        return self.goaway

    def close(self) -> None:
        self.writer.close()


async def connect_h2(
    address: Address,
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    settings: dict[h2.settings.SettingCodes | int, int] | None = None,
) -> H2Client:
    streams = await asyncio.open_connection(*address, ssl=tls, server_hostname=server_name)
    return H2Client(*streams, settings)


@dataclass(eq=False)
class H2Request:
    """One stream at the app: what has come of it, and the means to answer."""

    app: H2AppConnection
    number: int
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] | None = None
    complete: bool = False

    def field(self, name: bytes) -> bytes | None:
        return next((v for n, v in self.fields if n == name), None)

    def head(self, status: int, headers: Fields = (), *, ended: bool = False) -> None:
        self.app.h2.send_headers(
            self.number, [(b":status", b"%d" % status), *headers], end_stream=ended
        )
        self.app.flush()

    def data(self, data: bytes, *, ended: bool = False) -> None:
        """What the client's windows do not allow waits."""
        waiting, _ = self.app.waiting.get(self.number, (b"", False))
        self.app.waiting[self.number] = (waiting + data, ended)
        self.app.pump()

    def end(self, trailers: Fields = ()) -> None:
        if trailers:
            self.app.h2.send_headers(self.number, list(trailers), end_stream=True)
        else:
            self.app.h2.end_stream(self.number)
        self.app.flush()

    def answer(self, status: int, body: bytes = b"", headers: Fields = ()) -> None:
        self.head(status, headers, ended=not body)
        if body:
            self.data(body, ended=True)

    def reset(self, code: int) -> None:
        self.app.h2.reset_stream(self.number, code)
        self.app.flush()


@dataclass
class H2App:
    """What `on_head` and `on_end` do is the app; by default it answers a complete request with its body."""

    on_head: Callable[[H2Request], None] = lambda request: None
    on_end: Callable[[H2Request], None] = lambda request: request.answer(200, request.body)
    settings: dict[h2.settings.SettingCodes | int, int] = field(default_factory=dict)
    greedy: bool = True  # windows are given back as data comes
    requests: list[H2Request] = field(default_factory=list)
    connections: list[H2AppConnection] = field(default_factory=list)
    resets: list[int] = field(default_factory=list)


class H2AppConnection(asyncio.Protocol):
    def __init__(self, app: H2App) -> None:
        self.app = app
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.h2 = h2.connection.H2Connection(config)
        self.requests: dict[int, H2Request] = {}
        self.waiting: dict[int, tuple[bytes, bool]] = {}
        app.connections.append(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.h2.initiate_connection()
        if self.app.settings:
            self.h2.update_settings(self.app.settings)
        self.flush()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def pump(self) -> None:
        for number, (data, ended) in list(self.waiting.items()):
            while data:
                room = self.h2.local_flow_control_window(number)
                size = min(len(data), room, self.h2.max_outbound_frame_size)
                if size <= 0:
                    break
                last = ended and size == len(data)
                self.h2.send_data(number, data[:size], end_stream=last)
                data = data[size:]
            if data:
                self.waiting[number] = (data, ended)
            else:
                del self.waiting[number]
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self._take(event)
        self.pump()

    def _take(self, event: Any) -> None:
        match event:
            case h2.events.RequestReceived():
                fields = [(bytes(n), bytes(v)) for n, v in event.headers]
                request = H2Request(self, event.stream_id, fields)
                self.requests[event.stream_id] = request
                self.app.requests.append(request)
                self.app.on_head(request)
            case h2.events.DataReceived():
                self.requests[event.stream_id].body += event.data
                if self.app.greedy:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                self.requests[event.stream_id].trailers = [
                    (bytes(n), bytes(v)) for n, v in event.headers
                ]
            case h2.events.StreamEnded():
                self.requests[event.stream_id].complete = True
                self.app.on_end(self.requests[event.stream_id])
            case h2.events.StreamReset():
                self.app.resets.append(int(event.error_code))
                self.waiting.pop(event.stream_id, None)
            case _:
                pass

    def connection_lost(self, exc: Exception | None) -> None:
        self.app.connections.remove(self)


@asynccontextmanager
async def serving_h2(app: H2App) -> AsyncIterator[Address]:
    """`app` on a real socket."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: H2AppConnection(app), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        for connection in list(app.connections):
            connection.transport.abort()
