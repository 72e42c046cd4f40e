"""A client's connection of HTTP/2: the socket of tanebi.http.h2.connection, its streams' sweep, its end.

Made where the client's first bytes, or ALPN, say HTTP/2 (tanebi.http.connection). What is put together in one turn of the loop
leaves in one write. While the socket's buffer is full nothing more is put into it: what streams send waits on them.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

from tanebi.base.log import get_logger
from tanebi.http.h2.connection import Connection
from tanebi.http.h2.frames import Broken, Code
from tanebi.http.h2.limits import H2Limits
from tanebi.http.h2.serverstream import ServerStream
from tanebi.http.h2.stream import Stream
from tanebi.http.reading import ServerLimits
from tanebi.http.sides import Application, came_from, reached_at

# Answers to control frames go out whether the client reads or not; one that lets this much gather is cut off.
UNREAD_MAX: Final = 1048576  # bytes in the socket's buffer

log = get_logger("http")


class Host(Protocol):
    """What a connection needs of who accepted it."""

    application: Application
    limits: ServerLimits
    connections: set[Any]  # of every version
    date_line: bytes

    def now(self) -> float: ...

    def call_soon(self, callback: Any, *args: Any) -> None: ...

    def refused(self, peer: str, text: str) -> None: ...


class H2ServerConnection(asyncio.Protocol):
    """Implements tanebi.http.h2.serverstream.Client, and Listener."""

    __slots__ = (
        "_due",
        "_host",
        "_reading",
        "application",
        "forwarded_for",
        "h2",
        "headers_max",
        "peer",
        "scheme",
        "since",
        "transport",
    )

    def __init__(self, host: Host, transport: asyncio.Transport, *, scheme: bytes) -> None:
        """`transport` has been connected already; its protocol is set to this one by the caller."""
        limits = host.limits
        self.application = host.application
        self.headers_max = limits.headers_max
        self.transport = transport
        self.scheme = scheme
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.forwarded_for: tuple[bytes, bytes] | None = None
        self.since = 0.0  # when the present silence began; 0: not measured yet
        self._host = host
        self._due = False  # a flush is on its way
        self._reading = False  # a flush follows the read
        self.h2 = Connection(self, client=False, limits=H2Limits(head_max=limits.head_max))
        host.connections.add(self)
        self.h2.start()

    @property
    def reached_at(self) -> str:
        return reached_at(self.transport)

    @property
    def came_from(self) -> str:
        return came_from(self.transport)

    @property
    def date_line(self) -> bytes:
        return self._host.date_line

    @property
    def busy(self) -> bool:
        return bool(self.h2.streams)

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._reading = True
        try:
            self.h2.receive(data)
        except Broken as error:
            self._host.refused(self.peer, error.text)
            self._write_out()
            self._end_streams()
            self.transport.close()
            return
        finally:
            self._reading = False
        self._write_out()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connections.discard(self)
        self.h2.closed = True
        self._end_streams()

    def pause_writing(self) -> None:
        self.h2.stop()

    def resume_writing(self) -> None:
        self.h2.go()

    # --- tanebi.http.h2.connection.Listener ----------------------------------------------------

    def on_stream(self, stream: Stream) -> None:
        self.since = 0.0
        stream.owner = ServerStream(self, stream)

    def on_settings(self) -> None:
        """Windows are the connection's business."""

    def on_goaway(self, last: int, code: int) -> None:
        """The client opens no more streams; it closes when it has its answers."""

    def on_output(self) -> None:
        if not self._reading and not self._due:
            self._due = True
            self._host.call_soon(self._flush)

    def failed(self, stream: ServerStream) -> None:
        log.exception("request failed", peer=self.peer)
        if not stream.done:
            sink = stream.sink
            stream.abort()
            if sink is not None:
                sink.on_client_left()

    # --- output --------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._due = False
        self._write_out()

    def _write_out(self) -> None:
        data = self.h2.take()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    # --- ends ----------------------------------------------------------------------------------

    def _end_streams(self) -> None:
        streams = list(self.h2.streams.values())
        self.h2.streams.clear()
        for stream in streams:
            try:
                stream.owner.on_reset(Code.CANCEL)
            except Exception:
                log.exception("request failed", peer=self.peer)

    @property
    def parting(self) -> bool:
        """No new requests; those under way may end."""
        return self.h2.leaving

    @parting.setter
    def parting(self, yes: bool) -> None:
        if yes:
            self.h2.leave()

    def abort(self) -> None:
        """At once. A client that reads is told first that none of its requests is under way."""
        if not self.transport.is_closing():
            self.h2.leave()
            self._write_out()
            if self.busy:
                self.transport.abort()
            else:
                self.transport.close()

    def sweep(self, now: float) -> None:
        """Look for slowness: of each stream, or of the connection when there is none."""
        h2 = self.h2
        h2.tick()
        if self.transport.get_write_buffer_size() > UNREAD_MAX:
            self.transport.abort()
            return
        if not h2.streams or h2.reading_head:
            self._sweep_silence(now)
        else:
            self.since = 0.0
        for stream in list(h2.streams.values()):
            owner = stream.owner
            assert isinstance(owner, ServerStream)
            try:
                owner.sweep(now)
            except Exception:
                self.failed(owner)

    def _sweep_silence(self, now: float) -> None:
        if self.since == 0.0:
            self.since = now
            return
        limits = self._host.limits
        limit = limits.head_timeout_s if self.h2.reading_head else limits.idle_timeout_s
        if now - self.since >= limit or (self.h2.leaving and not self.h2.streams):
            self._host.refused(self.peer, "silence")
            self.h2.leave()
            self._write_out()
            self._end_streams()
            self.transport.close()
