"""One stream of an HTTP/2 connection: what of it is open, its windows, and the bytes that wait for the peer's window.

Pure. Caller: tanebi.http.h2.connection, which alone changes a stream; its owner is whoever the bytes come from and go to.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from tanebi.http.h2.fields import Block
from tanebi.http.messages import Headers

# Bytes that wait on one stream: above the first its owner is told to stop, at the second to go on.
PENDING_HIGH: Final = 65536
PENDING_LOW: Final = 16384


class StreamOwner(Protocol):
    """Who is told what comes on a stream, and whether it may send. Nothing is told after `on_reset`."""

    def on_fields(self, block: Block, *, ended: bool) -> None:
        """A header block: a head, an interim head (clients), or trailers."""

    def on_data(self, data: bytes, *, ended: bool) -> None: ...

    def on_reset(self, code: int) -> None:
        """The stream is over before its time: reset by the peer, or by us for what the peer did."""

    def on_full(self) -> None:
        """Enough waits: send no more until `on_room`."""

    def on_room(self) -> None: ...


class Stream:
    """`id` is known to both sides; `owner` is set by the connection's listener before anything is told."""

    __slots__ = (
        "id",
        "owner",
        "cut_short",
        "full",
        "held",
        "heads",
        "left",
        "local_open",
        "moved",
        "pending",
        "pending_bytes",
        "remote_open",
        "room",
        "to_end",
        "trailers",
        "uncredited",
        "waiting",
        "window",
    )

    owner: StreamOwner

    def __init__(self, number: int, *, window: int, room: int) -> None:
        self.id = number
        self.window = window  # what the peer lets us send
        self.room = room  # what we let the peer send
        self.uncredited = 0  # taken in, and not given back to the peer's window yet
        self.held = False  # its owner takes no more
        self.remote_open = True
        self.local_open = True
        self.heads = 0  # final heads and trailers that came
        self.left = -1  # of the body, as its Content-Length says; -1: not said
        self.pending: deque[bytes] = deque()
        self.pending_bytes = 0
        self.to_end = False  # the end follows what is pending
        self.trailers: Headers = ()
        self.cut_short = False  # the rest of what the peer sends is not wanted once our end is out
        self.full = False  # its owner was told so
        self.waiting = False  # for the peer's window, or for the transport
        self.moved = False  # something went out since the last tick

    def __repr__(self) -> str:
        return f"Stream({self.id} out={self.local_open} in={self.remote_open} {self.pending_bytes})"
