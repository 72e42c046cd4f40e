"""One side of an HTTP/2 connection without I/O: bytes in, calls to owners; calls of owners, bytes out.

Theory of operation. `receive` takes the frames of a read apart, in order, and tells the `Listener` of new streams and each
stream's owner of what comes on it. What owners send goes into one buffer that the shell takes once a turn (`take`). Two rules
hold the memory down:

- What comes is credited to the connection's window at once, and to its stream's window only while the stream is not held. So a
  slow reader stops its own source, after `limits.window` bytes, and no other stream.
- What goes out waits on its stream while the peer's windows or the transport leave no room (tanebi.http.h2.outbound).

An error of the peer ends its stream when that is enough and the connection when it is not; what came before it in the same read
is not lost. Everything a peer can do for nothing is counted (tanebi.http.h2.limits).
Rules: RFC 9113. Callers: tanebi.http.h2.server, tanebi.http.h2.upstream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from tanebi.http.h2.fields import Block, FieldDecoder
from tanebi.http.h2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    FRAME_MAX,
    HEAD,
    HEAD_BYTES,
    PADDED,
    PREFACE,
    PRIORITISED,
    SETTING,
    STREAM_MASK,
    U32,
    WINDOW_DEFAULT,
    WINDOW_MAX,
    Broken,
    Code,
    Kind,
    Setting,
    StreamBroken,
    frame,
    goaway,
    rst_stream,
    settings_frame,
    window_update,
)
from tanebi.http.h2.limits import CONTINUATIONS_MAX, H2Limits
from tanebi.http.h2.outbound import Outbound, Outlet
from tanebi.http.h2.stream import Stream

LIST_SLACK: Final = 4  # a list of fields this many times over its limit ends the connection; a lesser one only its request
_CONTINUATION: Final = int(Kind.CONTINUATION)
_SETTINGS: Final = int(Kind.SETTINGS)


class Listener(Outlet, Protocol):
    """Whose connection it is."""

    def on_stream(self, stream: Stream) -> None:
        """Servers: the peer opens a stream. Set its owner; `on_fields` follows."""

    def on_settings(self) -> None:
        """The peer said what it takes."""

    def on_goaway(self, last: int, code: int) -> None:
        """The peer takes no new streams, and none above `last` has been looked at."""


class Connection(Outbound):
    """`client`: whether we are. Call `start` first."""

    def __init__(self, listener: Listener, *, client: bool, limits: H2Limits) -> None:
        super().__init__(listener)
        self.limits = limits
        self.leaving = False  # we said GOAWAY: no new streams
        self.left = False  # the peer said it
        self.peer_streams_max = 100 if client else 0  # until its settings say more
        self.settled = False  # its settings have come
        self._listener = listener
        self._client = client
        self._decoder = FieldDecoder(limits.head_max * LIST_SLACK)
        self._rest = b""
        self._preface = 0 if client else len(PREFACE)  # of it still to come
        self._next = 1
        self._highest = 0  # of the streams that the peer opened
        self._room = limits.connection_window  # what we let the peer send in all
        self._uncredited = 0
        self._block: tuple[int, int] | None = None  # stream and flags of a header block under way
        self._block_parts: list[bytes] = []
        self._block_bytes = 0

    # --- what the shell does -------------------------------------------------------------------

    def start(self) -> None:
        """Our preface: settings, and a wider window."""
        limits = self.limits
        values = {
            Setting.INITIAL_WINDOW_SIZE: limits.window,
            Setting.MAX_HEADER_LIST_SIZE: limits.head_max,
        }
        if self._client:
            values[Setting.ENABLE_PUSH] = 0
            self._write(PREFACE)
        else:
            values[Setting.MAX_CONCURRENT_STREAMS] = limits.streams_max
        self._write(settings_frame(values))
        self._write(window_update(0, limits.connection_window - WINDOW_DEFAULT))

    def receive(self, data: bytes) -> None:
        """The next bytes of the peer. Raises Broken when it is at fault; the GOAWAY that says so waits in `take`."""
        if self.closed:
            return
        try:
            if self._preface:
                data = self._read_preface(data)
            self._read(self._rest + data if self._rest else data)
        except Broken as error:
            self._rest = b""
            self.closed = True
            self._write(goaway(self._highest, error.code, error.text.encode()))
            raise

    def tick(self) -> None:
        """Once every limits.TICK_S."""
        self.account.tick()

    def leave(self) -> None:
        """No new streams; those there are may end (RFC 9113 §6.8)."""
        if not self.leaving:
            self.leaving = True
            self._write(goaway(self._highest, Code.NO_ERROR))

    def ping(self, data: bytes) -> None:
        self._write(frame(Kind.PING, 0, 0, data))

    # --- what owners do ------------------------------------------------------------------------

    @property
    def may_open(self) -> bool:
        """Clients: whether another stream may be opened now."""
        return (
            len(self.streams) < self.peer_streams_max
            and self._next <= STREAM_MASK
            and not (self.left or self.closed)
        )

    def open(self) -> Stream:
        """Clients: a new stream. Its head must be sent before another one is opened."""
        stream = Stream(self._next, window=self._window_initial, room=self.limits.window)
        self._next += 2
        self.streams[stream.id] = stream
        return stream

    def expect(self, stream: Stream, length: int) -> None:
        """The head said how long the body is. Raises StreamBroken when it is over already and was not."""
        stream.left = length
        if length > 0 and not stream.remote_open:
            raise StreamBroken(Code.PROTOCOL_ERROR, "the body is shorter than announced")

    def hold(self, stream: Stream) -> None:
        """Its owner takes no more: once its window is used up the peer must wait."""
        stream.held = True

    def unhold(self, stream: Stream) -> None:
        if stream.held:
            stream.held = False
            self._credit(stream)

    # --- input ---------------------------------------------------------------------------------

    def _read_preface(self, data: bytes) -> bytes:
        """Servers: the client's first bytes are always the same."""
        wanted = PREFACE[-self._preface :]
        got = data[: len(wanted)]
        if not wanted.startswith(got):
            raise Broken(Code.PROTOCOL_ERROR, "this is not HTTP/2")
        self._preface -= len(got)
        return data[len(got) :]

    def _read(self, data: bytes) -> None:
        at, end = 0, len(data)
        unpack, handlers = HEAD.unpack_from, _HANDLERS
        while end - at >= HEAD_BYTES:
            high, low, kind, flags, number = unpack(data, at)
            size = high << 16 | low
            if size > FRAME_MAX:
                raise Broken(Code.FRAME_SIZE_ERROR, "a frame is larger than 16384 bytes")
            stop = at + HEAD_BYTES + size
            if stop > end:
                break
            payload = data[at + HEAD_BYTES : stop]
            at = stop
            number &= STREAM_MASK
            if self._block is not None and kind != _CONTINUATION:
                raise Broken(Code.PROTOCOL_ERROR, "a header block is interrupted")
            if not self.settled and kind != _SETTINGS:
                raise Broken(Code.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            if kind < len(handlers):
                try:
                    handlers[kind](self, flags, number, payload)
                except StreamBroken as error:
                    self._break(number, error.code)
            else:
                self.account.spend()
            if self.closed:
                return
        self._rest = data[at:]

    def _break(self, number: int, code: Code) -> None:
        """The peer is at fault with one stream."""
        self._write(rst_stream(number, code))
        stream = self.streams.get(number)
        if stream is not None and self._forget(stream):
            stream.owner.on_reset(code)
        self.account.spend_reset()

    def _is_idle(self, number: int) -> bool:
        """Nobody has opened it."""
        if number % 2 == (1 if self._client else 0):
            return number >= self._next if self._client else True
        return True if self._client else number > self._highest

    # --- frames --------------------------------------------------------------------------------

    def _on_data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        self._take_room(size)
        stream = self.streams.get(number)
        if stream is None:
            if self._is_idle(number):
                raise Broken(Code.PROTOCOL_ERROR, "DATA on a stream that nobody opened")
            self.account.spend()  # it was on its way when the stream ended
            return
        data = _unpadded(flags, payload) if flags & PADDED else payload
        ended = bool(flags & END_STREAM)
        if not stream.remote_open or not stream.heads:
            raise StreamBroken(Code.STREAM_CLOSED, "DATA on a stream that sends no body")
        stream.room -= size
        if stream.room < 0:
            raise StreamBroken(Code.FLOW_CONTROL_ERROR, "more data than the stream's window")
        if data:
            self.account.earn()
        elif not ended:
            self.account.spend()
        if stream.left >= 0:
            _count(stream, len(data), ended=ended)
        stream.uncredited += size
        self._deliver(stream, data, ended=ended)

    def _take_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Broken(Code.FLOW_CONTROL_ERROR, "more data than the connection's window")
        self._uncredited += size
        if self._uncredited >= self.limits.connection_window // 2:
            self._room += self._uncredited
            self._write(window_update(0, self._uncredited))
            self._uncredited = 0

    def _deliver(self, stream: Stream, data: bytes, *, ended: bool) -> None:
        if ended:
            stream.remote_open = False
        stream.owner.on_data(data, ended=ended)
        if ended:
            if not stream.local_open:
                self._forget(stream)
        elif not stream.held:
            self._credit(stream)

    def _credit(self, stream: Stream) -> None:
        if stream.remote_open and stream.uncredited >= self.limits.window // 2:
            stream.room += stream.uncredited
            self._write(window_update(stream.id, stream.uncredited))
            stream.uncredited = 0

    def _on_headers(self, flags: int, number: int, payload: bytes) -> None:
        if number == 0:
            raise Broken(Code.PROTOCOL_ERROR, "HEADERS on no stream")
        if flags & (PADDED | PRIORITISED):
            payload = _unpadded(flags, payload)
            if flags & PRIORITISED:
                if len(payload) < 5:
                    raise Broken(Code.FRAME_SIZE_ERROR, "HEADERS too short for its priority")
                payload = payload[5:]  # of no use to anybody (RFC 9113 §5.3)
        if flags & END_HEADERS:
            self._on_block(number, flags, payload)
            return
        self._block = (number, flags)
        self._block_parts = [payload]
        self._block_bytes = len(payload)

    def _on_continuation(self, flags: int, number: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != number:
            raise Broken(Code.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self._block_parts.append(payload)
        self._block_bytes += len(payload)
        if self._block_bytes > self.limits.head_max or len(self._block_parts) > CONTINUATIONS_MAX:
            raise Broken(Code.ENHANCE_YOUR_CALM, "a header block is too large")
        if flags & END_HEADERS:
            block_flags, block = self._block[1], b"".join(self._block_parts)
            self._block, self._block_parts = None, []
            self._on_block(number, block_flags, block)

    @property
    def reading_head(self) -> bool:
        """The preface, the first settings or a header block is here in part at most: the rest may not take long."""
        return self._block is not None or not self.settled

    def _on_block(self, number: int, flags: int, data: bytes) -> None:
        block = self._decoder.decode(data)  # even if nobody wants it: the table must follow
        self.account.earn()
        ended = bool(flags & END_STREAM)
        stream = self.streams.get(number)
        if stream is None:
            stream = self._opened(number)
            if stream is None:
                return
        elif not stream.remote_open:
            raise StreamBroken(Code.STREAM_CLOSED, "HEADERS after the end")
        if self._client and not stream.heads and _is_interim(block):
            if ended:
                raise StreamBroken(Code.PROTOCOL_ERROR, "an interim head ends the stream")
            self.account.spend()
            stream.owner.on_fields(block, ended=False)
            return
        if stream.heads and (not ended or stream.heads > 1):
            raise StreamBroken(Code.PROTOCOL_ERROR, "trailers that do not end the stream")
        if stream.heads and stream.left > 0:
            raise StreamBroken(Code.PROTOCOL_ERROR, "the body is shorter than announced")
        stream.heads += 1
        stream.remote_open = not ended
        stream.owner.on_fields(block, ended=ended)
        if ended and not stream.local_open:
            self._forget(stream)

    def _opened(self, number: int) -> Stream | None:
        """Servers: the new stream, or None when it is refused or over already."""
        if not self._is_idle(number):
            self.account.spend()  # trailers that crossed a reset
            return None
        if self._client or number % 2 == 0:
            raise Broken(Code.PROTOCOL_ERROR, "HEADERS on a stream that the peer may not open")
        self._highest = number
        if self.leaving:
            self._write(rst_stream(number, Code.REFUSED_STREAM))
            return None
        if len(self.streams) >= self.limits.streams_max:
            self._write(rst_stream(number, Code.REFUSED_STREAM))
            self.account.spend_reset()
            return None
        stream = Stream(number, window=self._window_initial, room=self.limits.window)
        self.streams[number] = stream
        self._listener.on_stream(stream)
        return stream

    def _on_priority(self, flags: int, number: int, payload: bytes) -> None:
        self.account.spend()
        if number == 0:
            raise Broken(Code.PROTOCOL_ERROR, "PRIORITY on no stream")
        if len(payload) != 5:
            raise StreamBroken(Code.FRAME_SIZE_ERROR, "PRIORITY of a wrong size")

    def _on_rst_stream(self, flags: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Broken(Code.FRAME_SIZE_ERROR, "RST_STREAM of a wrong size")
        if number == 0 or self._is_idle(number):
            raise Broken(Code.PROTOCOL_ERROR, "RST_STREAM on a stream that nobody opened")
        self.account.spend()
        stream = self.streams.get(number)
        if stream is not None and self._forget(stream):
            stream.owner.on_reset(U32.unpack(payload)[0])
            if not self._client:
                self.account.spend_reset()

    def _on_settings(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise Broken(Code.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & ACK:
            if payload or not self.settled:
                raise Broken(Code.FRAME_SIZE_ERROR, "an acknowledgement of settings says nothing")
            self.account.spend()
            return
        if len(payload) % SETTING.size:
            raise Broken(Code.FRAME_SIZE_ERROR, "SETTINGS of a wrong size")
        self.account.spend()
        for setting, value in SETTING.iter_unpack(payload):
            self._set(setting, value)
        self._write(frame(Kind.SETTINGS, ACK, 0))
        self.settled = True
        self._listener.on_settings()
        self._pump()

    def _set(self, setting: int, value: int) -> None:
        match setting:
            case Setting.HEADER_TABLE_SIZE:
                self._encoder.resize(value)
            case Setting.ENABLE_PUSH if value > 1:
                raise Broken(Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
            case Setting.MAX_CONCURRENT_STREAMS:
                self.peer_streams_max = value
            case Setting.INITIAL_WINDOW_SIZE:
                if value > WINDOW_MAX:
                    raise Broken(Code.FLOW_CONTROL_ERROR, "the initial window is too large")
                more, self._window_initial = value - self._window_initial, value
                for stream in self.streams.values():
                    stream.window += more
                    if stream.window > WINDOW_MAX:
                        raise Broken(Code.FLOW_CONTROL_ERROR, "a window is too large")
            case Setting.MAX_FRAME_SIZE:
                if not FRAME_MAX <= value < 1 << 24:
                    raise Broken(Code.PROTOCOL_ERROR, "the largest frame is out of range")
                self._frame_max = min(value, FRAME_MAX)
            case _:
                pass

    def _on_push_promise(self, flags: int, number: int, payload: bytes) -> None:
        raise Broken(Code.PROTOCOL_ERROR, "nobody asked for pushes")

    def _on_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise Broken(Code.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise Broken(Code.FRAME_SIZE_ERROR, "PING of a wrong size")
        self.account.spend()
        if not flags & ACK:
            self._write(frame(Kind.PING, ACK, 0, payload))

    def _on_goaway(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise Broken(Code.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < 8:
            raise Broken(Code.FRAME_SIZE_ERROR, "GOAWAY of a wrong size")
        self.account.spend()
        self.left = True
        last, code = U32.unpack_from(payload)[0] & STREAM_MASK, U32.unpack_from(payload, 4)[0]
        self._listener.on_goaway(last, code)

    def _on_window_update(self, flags: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Broken(Code.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size")
        self.account.spend()
        more = U32.unpack(payload)[0] & STREAM_MASK
        if number == 0:
            self._window += more
            if more == 0 or self._window > WINDOW_MAX:
                raise Broken(Code.FLOW_CONTROL_ERROR, "a window grows by nothing, or too much")
            self._pump()
            return
        stream = self.streams.get(number)
        if stream is None:
            if self._is_idle(number):
                raise Broken(Code.PROTOCOL_ERROR, "WINDOW_UPDATE on a stream that nobody opened")
            return
        stream.window += more
        if more == 0 or stream.window > WINDOW_MAX:
            raise StreamBroken(Code.FLOW_CONTROL_ERROR, "a window grows by nothing, or too much")
        if stream.waiting:
            self._pump()


def _count(stream: Stream, size: int, *, ended: bool) -> None:
    """Against the Content-Length."""
    stream.left -= size
    if stream.left < 0 or (ended and stream.left):
        raise StreamBroken(Code.PROTOCOL_ERROR, "the body is not as long as announced")


def _unpadded(flags: int, payload: bytes) -> bytes:
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Broken(Code.PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - payload[0]]


def _is_interim(block: Block) -> bool:
    fields = block.fields
    return bool(fields) and fields[0][0] == b":status" and fields[0][1][:1] == b"1"


_HANDLERS: Final[tuple[Callable[[Connection, int, int, bytes], None], ...]] = (
    Connection._on_data,
    Connection._on_headers,
    Connection._on_priority,
    Connection._on_rst_stream,
    Connection._on_settings,
    Connection._on_push_promise,
    Connection._on_ping,
    Connection._on_goaway,
    Connection._on_window_update,
    Connection._on_continuation,
)
