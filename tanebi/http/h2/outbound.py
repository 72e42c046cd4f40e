"""The sending half of an HTTP/2 connection: frames for the peer, as far as its windows and the transport allow.

Pure. What does not fit waits on its stream; when there is room again the streams that wait take turns, a frame each. An owner is
told to stop when PENDING_HIGH bytes of its stream wait, and to go on at PENDING_LOW. Caller: tanebi.http.h2.connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from tanebi.http.h2.fields import Field, FieldEncoder
from tanebi.http.h2.frames import (
    END_STREAM,
    FRAME_MAX,
    HEAD,
    WINDOW_DEFAULT,
    Code,
    Kind,
    frame,
    headers_frames,
    rst_stream,
)
from tanebi.http.h2.limits import Account
from tanebi.http.h2.stream import PENDING_HIGH, PENDING_LOW, Stream
from tanebi.http.messages import Headers

_DATA: Final = int(Kind.DATA)


class Outlet(Protocol):
    def on_output(self) -> None:
        """There are bytes to take. Called once until they are taken."""


class Outbound:
    """`closed`: nothing more is sent."""

    def __init__(self, outlet: Outlet) -> None:
        self.streams: dict[int, Stream] = {}
        self.account = Account()
        self.closed = False
        self._outlet = outlet
        self._encoder = FieldEncoder()
        self._window = WINDOW_DEFAULT  # what the peer lets us send in all
        self._window_initial = WINDOW_DEFAULT  # of a new stream
        self._frame_max = FRAME_MAX
        self._out: list[bytes] = []
        self._stopped = False
        self._pumping = False
        self._waiting: dict[Stream, None] = {}  # in the order of their turns

    def take(self) -> bytes:
        """Bytes for the peer."""
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)

    def stop(self) -> None:
        """The transport's buffer is full: what owners send waits here."""
        self._stopped = True

    def go(self) -> None:
        """It has room again."""
        self._stopped = False
        if self._waiting:
            self._pump()

    def send_fields(self, stream: Stream, fields: Iterable[Field], *, ended: bool = False) -> None:
        """A head. Nothing of the stream's body may be on its way yet."""
        if stream.local_open and not self.closed:
            block = self._encoder.encode(fields)
            self._write(headers_frames(stream.id, block, ended=ended, frame_max=self._frame_max))
            stream.moved = True
            if ended:
                self._local_end(stream)

    def send_data(self, stream: Stream, data: bytes) -> None:
        """Some of the body. It may wait; the owner is told when too much does."""
        if not stream.local_open or stream.to_end or self.closed or not data:
            return
        if not (stream.waiting or self._stopped) and len(data) <= self._room_of(stream):
            self._send_frame(stream, data, 0)
            return
        self._queue(stream, data)
        if stream.pending_bytes > PENDING_HIGH and not stream.full:
            stream.full = True
            stream.owner.on_full()

    def _room_of(self, stream: Stream) -> int:
        """The largest frame of data that may be sent now."""
        return min(self._frame_max, stream.window, self._window)

    def _queue(self, stream: Stream, data: bytes) -> None:
        size = len(data)
        if size <= FRAME_MAX:
            stream.pending.append(data)
        else:
            stream.pending.extend(data[at : at + FRAME_MAX] for at in range(0, size, FRAME_MAX))
        stream.pending_bytes += size
        if not stream.waiting:
            stream.waiting = True
            self._waiting[stream] = None
        if not self._stopped and self._window > 0 and stream.window > 0:
            self._pump()

    def end(self, stream: Stream, trailers: Headers = ()) -> None:
        """The body is complete."""
        if not stream.local_open or stream.to_end or self.closed:
            return
        stream.to_end = True
        stream.trailers = trailers
        if not stream.pending:
            self._send_end(stream)

    def send_last(self, stream: Stream, data: bytes, trailers: Headers = ()) -> None:
        """`send_data` and `end`, in one frame where there is room. The owner, who has no more, is not told of fullness."""
        if not stream.local_open or stream.to_end or self.closed:
            return
        whole = not (stream.waiting or self._stopped) and len(data) <= self._room_of(stream)
        if whole and data and not trailers:
            stream.to_end = True
            self._send_frame(stream, data, END_STREAM)
            self._local_end(stream)
            return
        if whole and data:
            self._send_frame(stream, data, 0)
        elif data:
            self._queue(stream, data)
        self.end(stream, trailers)

    def end_early(self, stream: Stream) -> None:
        """Servers: the answer is given to its end before the request's; the rest of that is not wanted (RFC 9113 §8.1)."""
        if stream.local_open:
            stream.cut_short = True
        else:
            self.reset(stream, Code.NO_ERROR)

    def reset(self, stream: Stream, code: Code) -> None:
        """Give the stream up. Its owner, who asks for it, is told nothing."""
        if self._forget(stream) and not self.closed:
            self._write(rst_stream(stream.id, code))

    def _write(self, data: bytes) -> None:
        out = self._out
        out.append(data)
        if len(out) == 1:
            self._outlet.on_output()

    def _send_frame(self, stream: Stream, data: bytes, flags: int) -> None:
        size = len(data)
        stream.window -= size
        self._window -= size
        stream.moved = True
        self.account.earn()
        self._write(HEAD.pack(size >> 16, size & 0xFFFF, _DATA, flags, stream.id) + data)

    def _send_end(self, stream: Stream) -> None:
        if stream.trailers:
            block = self._encoder.encode(stream.trailers)
            self._write(headers_frames(stream.id, block, ended=True, frame_max=self._frame_max))
        else:
            self._write(frame(Kind.DATA, END_STREAM, stream.id))
        self._local_end(stream)

    def _local_end(self, stream: Stream) -> None:
        stream.local_open = False
        if stream.cut_short and stream.remote_open:
            self._write(rst_stream(stream.id, Code.NO_ERROR))
            self._forget(stream)
        elif not stream.remote_open:
            self._forget(stream)

    def _pump(self) -> None:
        """Whoever waits sends a frame in turn, until there is no room. The first in line is the one that waited longest."""
        if self._pumping:
            return  # an owner that was told of room sends more: it is in line
        self._pumping = True
        waiting, blocked = self._waiting, []
        while waiting and self._window > 0 and not self._stopped:
            stream = next(iter(waiting))
            del waiting[stream]
            if stream.window > 0:
                self._send_piece(stream)
            else:
                blocked.append(stream)
        self._waiting = dict.fromkeys(blocked) | waiting if blocked else waiting
        self._pumping = False

    def _send_piece(self, stream: Stream) -> None:
        pending = stream.pending
        if not pending:
            return  # it was given up meanwhile
        most = self._room_of(stream)
        piece = pending.popleft()
        if len(piece) > most:
            pending.appendleft(piece[most:])
            piece = piece[:most]
        stream.pending_bytes -= len(piece)
        last = stream.to_end and not pending
        with_end = last and not stream.trailers
        self._send_frame(stream, piece, END_STREAM if with_end else 0)
        if last:
            stream.waiting = False
            if with_end:
                self._local_end(stream)
            else:
                self._send_end(stream)
            return
        if stream.full and stream.pending_bytes <= PENDING_LOW:
            stream.full = False
            stream.owner.on_room()
        if pending:
            self._waiting[stream] = None
        else:
            stream.waiting = False

    def _forget(self, stream: Stream) -> bool:
        """It is over. False: it was so already."""
        stream.remote_open = stream.local_open = False
        stream.pending.clear()
        stream.pending_bytes = 0
        if stream.waiting:
            stream.waiting = False
            self._waiting.pop(stream, None)
        return self.streams.pop(stream.id, None) is not None
