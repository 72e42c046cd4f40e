"""Carries TCP connections out of a network that has no way out: from pods to the platform, and to the world.

The packet rules of that network turn such connections to one listening socket; the kernel still knows where each was to go. This
process, in the machine's network, dials that and passes bytes both ways, no faster than either end takes them.

Caller: tanebi.kubelet.netkeeper.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final

Address = tuple[str, int]

SO_ORIGINAL_DST: Final = 80  # linux/netfilter_ipv4.h
BACKLOG: Final = 1024
CONNECTIONS_MAX: Final = 4096  # more are closed at once
CONNECT_S: Final = 10.0
CHUNK_BYTES: Final = 64 * 1024  # all that is held of one direction: then its source waits
KEEPALIVE_S: Final = 30
AGAIN_S: Final = 0.1  # after there were no files left for another connection


class Relay:
    """`target` tells where a connection is to go, None: nowhere. `listener` does not block."""

    def __init__(
        self, listener: socket.socket, target: Callable[[socket.socket], Address | None]
    ) -> None:
        self._listener = listener
        self._target = target
        self._open: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._open)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    near, _ = await loop.sock_accept(self._listener)
                except OSError:
                    await asyncio.sleep(AGAIN_S)
                    continue
                if len(self._open) >= CONNECTIONS_MAX:
                    near.close()
                    continue
                task = tasks.create_task(self._carry(near))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    async def _carry(self, near: socket.socket) -> None:
        """One connection, until both its ends are closed."""
        loop = asyncio.get_running_loop()
        with near, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as far:
            target = self._target(near)
            if target is None:
                return
            far.setblocking(False)
            try:
                async with asyncio.timeout(CONNECT_S):
                    await loop.sock_connect(far, target)
            except (OSError, TimeoutError):
                _reset(near)
                return
            for sock in (near, far):
                _kept_alive(sock)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_copy(near, far))
                    tasks.create_task(_copy(far, near))
            except* OSError:  # one end is gone, and with it the other
                _reset(near)


def meant_for(near: socket.socket, gateway: str, targets: Mapping[int, Address]) -> Address | None:
    """Where the connection was to go before it was turned. `targets`: where the ports of `gateway` really are."""
    try:
        told = near.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    except OSError:  # it was meant for the relay itself
        return None
    port, packed = struct.unpack_from("!2xH4s", told)
    host = socket.inet_ntoa(packed)
    return targets.get(port) if host == gateway else (host, port)


async def _copy(source: socket.socket, sink: socket.socket) -> None:
    """One direction, until it ends. Raises OSError when it is cut."""
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK_BYTES):
        await loop.sock_sendall(sink, data)
    sink.shutdown(socket.SHUT_WR)


def _reset(sock: socket.socket) -> None:
    """When it is closed, the other end learns that this was no regular end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _kept_alive(sock: socket.socket) -> None:
    """A pod's network may go without a word, and the other end would wait for ever."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
