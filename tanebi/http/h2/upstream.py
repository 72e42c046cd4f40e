"""Our side of connections to pods that speak HTTP/2 by prior knowledge: many streams on each, few connections.

`PodConnection` is one connection, `H2PodStream` one exchange on it (tanebi.http.sides.PodStream), `H2Upstreams` the connections
by address: a stream is taken from one that has room, and another connection is made when none has. Whoever dials an address that
is being dialled already waits for that connection. Caller: tanebi.http.podstreams.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from tanebi.base.clock import Clock
from tanebi.base.errors import Bug
from tanebi.http import ways
from tanebi.http.errors import BadResponse, ConnectFailed, HttpError, NotProcessed, PeerReset
from tanebi.http.h2.connection import Connection
from tanebi.http.h2.fields import Block
from tanebi.http.h2.frames import Broken, Code, StreamBroken
from tanebi.http.h2.heads import answer_head, lowered, request_fields, trailers
from tanebi.http.h2.limits import H2Limits
from tanebi.http.h2.stream import Stream
from tanebi.http.headers import bodiless
from tanebi.http.heads import Head, kept_trailers
from tanebi.http.messages import Headers
from tanebi.http.pool import IDLE_TIMEOUT_S, Address
from tanebi.http.sides import Answer

CONNECT_TIMEOUT_S: Final = 10.0
CONNECTIONS_MAX: Final = 32  # to one address; who finds no room on any waits
UNREAD_MAX: Final = 1048576  # bytes in the socket's buffer: the pod asks and does not read


class H2PodStream:
    """Implements tanebi.http.sides.PodStream and tanebi.http.h2.stream.StreamOwner. Its stream begins with its head."""

    __slots__ = ("_answer", "_connection", "_head_only", "_status", "_stream", "closed", "served")

    raw_heads: Final = False

    def __init__(self, connection: PodConnection) -> None:
        self._connection = connection
        self._stream: Stream | None = None
        self._answer: Answer | None = None
        self._head_only = False
        self._status = 0  # of the final head; 0: it is not here yet
        self.served = connection.served
        self.closed = False

    @property
    def transport(self) -> asyncio.Transport:
        raise Bug("h2-misuse", "a stream of HTTP/2 cannot be upgraded")

    def hand_over(self, end: asyncio.Protocol) -> None:
        raise Bug("h2-misuse", "a stream of HTTP/2 cannot be upgraded")

    # --- from the exchange ---------------------------------------------------------------------

    def begin(self, answer: Answer, *, head_only: bool) -> None:
        self._answer = answer
        self._head_only = head_only

    def send_raw(self, head: bytes) -> None:
        raise Bug("h2-misuse", "HTTP/2 has no raw heads")

    def send_head(self, head: Head, *, ended: bool) -> None:
        connection = self._connection
        connection.served += 1
        h2 = connection.h2
        self._stream = stream = h2.open()
        stream.owner = self
        h2.send_fields(stream, request_fields(head), ended=ended)

    def send_body(self, piece: bytes) -> None:
        assert self._stream is not None
        self._connection.h2.send_data(self._stream, piece)

    def send_end(self, trailers: Headers) -> None:
        assert self._stream is not None
        self._connection.h2.end(self._stream, lowered(kept_trailers(trailers)))

    def pause(self) -> None:
        if self._stream is not None:
            self._connection.h2.hold(self._stream)

    def resume(self) -> None:
        if self._stream is not None:
            self._connection.h2.unhold(self._stream)

    def keep(self) -> None:
        """The connection is everybody's."""
        self._connection.freed()

    def close(self) -> None:
        self._answer = None
        if self._stream is not None:
            self._connection.h2.reset(self._stream, Code.CANCEL)
        self._connection.freed()

    # --- from the stream -----------------------------------------------------------------------

    def on_fields(self, block: Block, *, ended: bool) -> None:
        answer, stream = self._answer, self._stream
        if answer is None or stream is None:
            return
        if self._status:
            self._end(trailers(block))
            return
        head = answer_head(block)
        if head.status < 200:
            answer.on_interim(head.status, head.headers)
            return
        self._status = head.status
        if head.length >= 0 and not self._head_only and not bodiless(head.status):
            self._connection.h2.expect(stream, head.length)
        self._connection.touched.append(self)
        answer.on_head(head.status, head.headers, head.seen, None)
        if ended:
            self._end([])

    def on_data(self, data: bytes, *, ended: bool) -> None:
        answer = self._answer
        if answer is None:
            return
        if data:
            if self._head_only or bodiless(self._status):
                raise StreamBroken(Code.PROTOCOL_ERROR, "a body where there is none")
            self._connection.touched.append(self)
            answer.on_body(data)
        if ended:
            self._end([])

    def _end(self, found: Headers) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.on_end(list(found), reusable=True)

    def on_reset(self, code: int) -> None:
        """After a complete answer the rest of the request is not wanted, and that is all it says (RFC 9113 §8.1)."""
        if code == Code.REFUSED_STREAM:
            self.fail(NotProcessed("not-processed", "the app refused the stream unseen"))
        elif code == Code.PROTOCOL_ERROR:
            self.fail(BadResponse("bad-response", "the answer breaks the rules of HTTP/2"))
        else:
            self.fail(PeerReset("peer-reset", "the app reset the stream before its answer's end"))

    def fail(self, error: HttpError) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.on_failed(error)

    def flush(self) -> None:
        if self._answer is not None:
            self._answer.on_flush()

    def on_full(self) -> None:
        if self._answer is not None:
            self._answer.on_sending_paused()

    def on_room(self) -> None:
        if self._answer is not None:
            self._answer.on_sending_resumed()


class PodConnection(asyncio.Protocol):
    """One connection. Implements tanebi.http.h2.connection.Listener."""

    __slots__ = (
        "_due",
        "_home",
        "_loop",
        "_reading",
        "address",
        "h2",
        "idle_since",
        "retired",
        "served",
        "touched",
        "transport",
    )

    def __init__(self, address: Address, home: H2Upstreams) -> None:
        self.address = address
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.served = 0
        self.retired = False  # no new streams; closed with its last one
        self.idle_since = 0.0  # 0: it is not idle, or nobody has looked yet
        self.touched: list[H2PodStream] = []  # by the present read
        self.h2 = Connection(self, client=True, limits=H2Limits())
        self._home = home
        self._loop = asyncio.get_running_loop()
        self._due = False
        self._reading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.h2.start()

    def data_received(self, data: bytes) -> None:
        self._reading = True
        try:
            self.h2.receive(data)
        except Broken as error:
            bad = BadResponse("bad-response", "the app does not speak HTTP/2 as it should")
            bad.__cause__ = error
            self._reading = False
            self._write_out()
            self._lost(bad)
            self.transport.close()
            return
        finally:
            self._reading = False
            touched, self.touched = self.touched, []
            for stream in touched:
                stream.flush()
        self._write_out()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(PeerReset("peer-reset", "the connection ended before the answer did"))

    def _lost(self, error: HttpError) -> None:
        self.h2.closed = True
        self._home.gone(self)
        streams = list(self.h2.streams.values())
        self.h2.streams.clear()
        for stream in streams:
            self._owner(stream).fail(error)

    def _owner(self, stream: Stream) -> H2PodStream:
        owner = stream.owner
        assert isinstance(owner, H2PodStream)
        return owner

    def pause_writing(self) -> None:
        self.h2.stop()

    def resume_writing(self) -> None:
        self.h2.go()

    def on_stream(self, stream: Stream) -> None:
        raise Bug("h2-misuse", "a server opens no streams")

    def on_settings(self) -> None:
        self._home.room(self.address)

    def on_goaway(self, last: int, code: int) -> None:
        """What the pod has not looked at may be sent again."""
        self.retired = True
        unseen = [s for n, s in self.h2.streams.items() if n > last]
        for stream in unseen:
            self.h2.streams.pop(stream.id, None)
            self._owner(stream).fail(NotProcessed("not-processed", "the app is going away"))
        self.freed()

    def on_output(self) -> None:
        if not self._reading and not self._due:
            self._due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._due = False
        self._write_out()

    def _write_out(self) -> None:
        data = self.h2.take()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    @property
    def has_room(self) -> bool:
        return self.h2.may_open and not self.retired and not self.transport.is_closing()

    def freed(self) -> None:
        """A stream is over."""
        if self.retired and not self.h2.streams:
            self._loop.call_soon(self.close)
        else:
            self._home.room(self.address)

    def retire(self) -> None:
        self.retired = True
        self.h2.left = True
        self.freed()

    def close(self) -> None:
        if not self.h2.streams and not self.transport.is_closing():
            self.h2.leave()
            self._write_out()
            self.transport.close()

    def sweep(self, now: float) -> None:
        self.h2.tick()
        if self.transport.get_write_buffer_size() > UNREAD_MAX:
            self.transport.abort()
        elif self.h2.streams:
            self.idle_since = 0.0
        elif self.retired:
            self.close()
        elif self.idle_since == 0.0:
            self.idle_since = now
        elif now - self.idle_since >= IDLE_TIMEOUT_S:
            self.retire()


class H2Upstreams:
    """Connections by address. Implements tanebi.http.sides.PodStreams."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._connections: dict[Address, list[PodConnection]] = {}
        self._dialling: dict[Address, asyncio.Event] = {}  # set when the dial under way has ended
        self._crowded: dict[Address, asyncio.Event] = {}  # set when there may be room again

    def __len__(self) -> int:
        return sum(len(found) for found in self._connections.values())

    def take(self, address: Address) -> H2PodStream | None:
        """A stream of a connection that has room. The fullest comes first, so that the others become idle."""
        for connection in self._connections.get(address, ()):
            if connection.has_room:
                return H2PodStream(connection)
        return None

    async def dial(self, address: Address) -> H2PodStream:
        """A stream, by a new connection unless another one has room by then. Raises ConnectFailed."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                while True:
                    under_way = self._dialling.get(address)
                    if under_way is not None:
                        await under_way.wait()
                    elif len(self._connections.get(address, ())) >= CONNECTIONS_MAX:
                        await self._crowded.setdefault(address, asyncio.Event()).wait()
                    else:
                        await self._connect(address)
                    stream = self.take(address)
                    if stream is not None:
                        return stream
        except (OSError, TimeoutError, UnicodeError) as error:
            raise ConnectFailed(
                "connect-failed",
                f"no connection to {address[0]}:{address[1]}",
                hint="is it listening?",
            ) from error

    async def _connect(self, address: Address) -> None:
        self._dialling[address] = ended = asyncio.Event()
        try:
            _, connection = await ways.connect(lambda: PodConnection(address, self), *address)
        finally:
            del self._dialling[address]
            ended.set()
        if not connection.h2.closed:
            self._connections.setdefault(address, []).append(connection)

    def room(self, address: Address) -> None:
        """A stream ended, or a connection did, or takes more."""
        if self._crowded:
            waiting = self._crowded.pop(address, None)
            if waiting is not None:
                waiting.set()

    def gone(self, connection: PodConnection) -> None:
        """Nothing more is heard of it."""
        found = self._connections.get(connection.address, [])
        if connection in found:
            found.remove(connection)
            if not found:
                del self._connections[connection.address]
        self.room(connection.address)

    def forget(self, address: Address) -> None:
        """Nothing new goes to `address`; what is under way may end."""
        for connection in list(self._connections.get(address, ())):
            connection.retire()

    def sweep(self, now: float) -> None:
        """Close what has been idle too long; cheap to call often."""
        for found in list(self._connections.values()):
            for connection in list(found):
                connection.sweep(now)

    def close(self) -> None:
        for found in list(self._connections.values()):
            for connection in list(found):
                connection.transport.abort()
