"""Two sockets joined: what comes on one goes out on the other, until both have ended.

Neither side is read while the other cannot take more, so a tunnel holds at most what the two transports buffer. The end of one
side (a half-close) is passed on and the other direction goes on. `TunnelOwner` is told the end, once, and cuts what is left.
Nothing here knows HTTP: the heads are over when a tunnel begins. Caller: activator.proxy.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol

# A peer that vanished without a word is noticed after about two minutes.
KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)


class TunnelOwner(Protocol):
    def on_tunnel_end(self) -> None:
        """Both sides ended in good order and all bytes are out."""

    def on_tunnel_broken(self, *, by_client: bool) -> None:
        """One side's connection is gone before that."""


class End(asyncio.Protocol):
    """One side. It is its socket's protocol from the day the tunnel begins."""

    __slots__ = ("closed", "ended", "other", "spoke", "transport", "tunnel")

    other: End

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport) -> None:
        self.tunnel = tunnel
        self.transport = transport
        self.ended = False  # it sends no more
        self.closed = False  # its connection is gone
        self.spoke = False  # it has sent something

    def data_received(self, data: bytes) -> None:
        self.tunnel.moved = self.spoke = True
        other = self.other
        if not other.closed:
            other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        self.tunnel.moved = True
        other = self.other
        if other.ended:  # close() still writes out what is buffered
            self.transport.close()
            other.transport.close()
        elif not other.closed:
            other.end_sending()
        return self.transport.can_write_eof()

    def end_sending(self) -> None:
        """The other side sends no more. Through TLS that ends this side, once what is buffered is out."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.ended = True
            self.transport.close()
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other.readable:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.tunnel.moved = True  # a full buffer has gone out
        if self.other.readable:
            self.other.transport.resume_reading()

    @property
    def readable(self) -> bool:
        return not (self.ended or self.closed or self.transport.is_closing())

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.tunnel.lost(self, exc)


class Tunnel:
    """`client` and `pod` are protocols to be set on the two transports. `moved`: a byte went either way since it was reset."""

    __slots__ = ("_gone", "_owner", "client", "moved", "pod")

    def __init__(
        self,
        owner: TunnelOwner,
        client: asyncio.Transport,
        pod: asyncio.Transport,
        *,
        gone: Callable[[Exception | None], None],
    ) -> None:
        self._owner: TunnelOwner | None = owner
        self._gone = gone  # the tunnel is over and so is the client's connection; may be told twice
        self.client = End(self, client)
        self.pod = End(self, pod)
        self.client.other, self.pod.other = self.pod, self.client
        self.moved = True
        for transport in (client, pod):
            if transport.is_closing():
                continue  # its end hears of it next
            own = transport.get_extra_info("socket")
            for level, option, value in KEEPALIVE:
                own.setsockopt(level, option, value)

    @property
    def half_closed(self) -> bool:
        return self.client.ended or self.pod.ended

    def lost(self, end: End, exc: Exception | None) -> None:
        """The connection of `end` is gone."""
        if self._owner is not None:
            good = exc is None and self.client.ended and self.pod.ended
            if good and not end.other.closed:
                return  # the other side's last bytes are still on their way
            owner, self._owner = self._owner, None
            if good:
                owner.on_tunnel_end()
            else:
                owner.on_tunnel_broken(by_client=end is self.client)
        if self.client.closed:
            self._gone(exc)
