"""Two ends of a connection in memory: ours, and the h2 library's, with what ours was told."""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.events

from tanebi.http.h2.connection import Connection
from tanebi.http.h2.fields import Block
from tanebi.http.h2.limits import H2Limits
from tanebi.http.h2.stream import Stream

REQUEST = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":authority", b"h"),
    (b":path", b"/"),
]


class Owner:
    """Writes down what it is told. Implements StreamOwner."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heads: list[list[tuple[bytes, bytes]]] = []
        self.body = b""
        self.ended = False
        self.reset: int | None = None
        self.full: list[bool] = []

    def on_fields(self, block: Block, *, ended: bool) -> None:
        self.heads.append([(bytes(n), bytes(v)) for n, v in block.fields])
        self.ended = ended

    def on_data(self, data: bytes, *, ended: bool) -> None:
        assert not self.ended
        self.body += data
        self.ended = ended

    def on_reset(self, code: int) -> None:
        assert self.reset is None
        self.reset = code

    def on_full(self) -> None:
        self.full.append(True)

    def on_room(self) -> None:
        self.full.append(False)


class Listener:
    """Implements tanebi.http.h2.connection.Listener."""

    def __init__(self) -> None:
        self.owners: dict[int, Owner] = {}
        self.goaway: tuple[int, int] | None = None
        self.outputs = 0

    def on_stream(self, stream: Stream) -> None:
        stream.owner = self.owners[stream.id] = Owner(stream)

    def on_settings(self) -> None: ...

    def on_goaway(self, last: int, code: int) -> None:
        self.goaway = last, code

    def on_output(self) -> None:
        self.outputs += 1


class Talk:
    """`ours` against the library, which is the client unless `client`."""

    def __init__(self, *, client: bool = False, limits: H2Limits | None = None) -> None:
        self.listener = Listener()
        self.ours = Connection(self.listener, client=client, limits=limits or H2Limits())
        config = h2.config.H2Configuration(client_side=not client, header_encoding=None)
        self.theirs = h2.connection.H2Connection(config)
        self.events: list[Any] = []
        self.ours.start()
        self.theirs.initiate_connection()
        self.exchange()

    def exchange(self) -> None:
        """Until neither has anything to say."""
        while True:
            down, up = self.ours.take(), self.theirs.data_to_send()
            if not down and not up:
                return
            if up:
                self.ours.receive(up)
            if down:
                self.events += self.theirs.receive_data(down)

    def request(self, *, ended: bool = False) -> tuple[int, Owner]:
        number = self.theirs.get_next_available_stream_id()
        self.theirs.send_headers(number, REQUEST, end_stream=ended)
        self.exchange()
        return number, self.listener.owners[number]

    def open(self) -> tuple[Stream, Owner]:
        """Clients: a stream with its head sent."""
        stream = self.ours.open()
        stream.owner = owner = Owner(stream)
        self.ours.send_fields(stream, REQUEST)
        self.exchange()
        return stream, owner

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
