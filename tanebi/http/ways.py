"""How connections are made to addresses that this process's own network does not know: pods in a network beside it.

A socket belongs for good to the network in which it was made. So a process in that network (tanebi.kubelet.netkeeper) makes
sockets, not yet connected, and hands them over; some are kept here, so that a connection costs what it costs anywhere. Without a
way to an address, it is dialled as any other. As the kernel has one table of routes for a process, so has this module.

Callers: whatever connects to pods. Ways are opened by tanebi.up.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import os
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Final, Protocol, TypeVar

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.base.clock import Clock
from tanebi.base.log import get_logger

STOCK: Final = 32  # sockets that wait
BATCH: Final = 16  # what is asked for at a time, when fewer than this wait
WAIT_S: Final = 5.0
MESSAGE_MAX: Final = 4096
AGAIN_S: Final = 0.05
AGAIN_MAX_S: Final = 0.25

P = TypeVar("P", bound=asyncio.BaseProtocol)

_log = get_logger("ways")


class Way(Protocol):
    """Leads to the addresses of `net`."""

    @property
    def net(self) -> IPv4Network | None:
        """None: to nowhere at present."""

    async def take(self) -> socket.socket:
        """A TCP socket that is not connected and does not block. Raises OSError."""


_ways: Final[list[Way]] = []


@contextmanager
def known(way: Way) -> Iterator[None]:
    """`way` is taken from here on, by everything in this process."""
    _ways.append(way)
    try:
        yield
    finally:
        _ways.remove(way)


async def socket_to(host: str) -> socket.socket | None:
    """A socket from which `host` is reached; None: from any. Raises OSError."""
    if not _ways:
        return None
    try:
        address = IPv4Address(host)
    except AddressValueError:
        return None
    for way in _ways:
        if way.net is not None and address in way.net:
            return await way.take()
    return None


async def connect(
    factory: Callable[[], P], host: str, port: int, *, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.Transport, P]:
    """As the loop's create_connection. Raises OSError."""
    loop = asyncio.get_running_loop()
    sock = await connected(host, port)
    if sock is None:
        return await loop.create_connection(factory, host, port, ssl=tls)
    name = host if tls is not None else None
    return await loop.create_connection(factory, sock=sock, ssl=tls, server_hostname=name)


async def open_connection(
    host: str, port: int, *, limit: int = 2**16, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As asyncio's. Raises OSError."""
    sock = await connected(host, port)
    if sock is None:
        return await asyncio.open_connection(host, port, limit=limit, ssl=tls)
    name = host if tls is not None else None
    return await asyncio.open_connection(sock=sock, limit=limit, ssl=tls, server_hostname=name)


async def connected(host: str, port: int) -> socket.socket | None:
    """A connection by one of the ways; None: none leads there, so that it is for the system to find. Raises OSError."""
    sock = await socket_to(host)
    if sock is None:
        return None
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except BaseException:
        sock.close()
        raise
    return sock


class Door:
    """Implements Way by a keeper of this machine's user, found by its `name` in the abstract socket space.

    Inert until `serve`, which finds the keeper again when another takes its place.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._stock: deque[socket.socket] = deque()
        self._line: socket.socket | None = None
        self._asked = 0
        self._came = asyncio.Event()
        self._closed = asyncio.Event()
        self._open = asyncio.Event()
        self.net: IPv4Network | None = None

    @property
    def stocked(self) -> int:
        return len(self._stock)

    async def wait_open(self) -> None:
        """Raises OSError when no keeper is found in time."""
        async with asyncio.timeout(WAIT_S):
            await self._open.wait()

    async def take(self) -> socket.socket:
        """Raises OSError."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not self._stock:
                    self._came.clear()
                    self._ask()
                    await self._came.wait()
        except TimeoutError as error:
            raise TimeoutError(f"the pods' network gave no socket within {WAIT_S:g} s") from error
        sock = self._stock.popleft()
        if len(self._stock) < BATCH:
            self._ask()
        return sock

    async def serve(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Be known to this process, until cancelled."""
        with known(self):
            task_status.started()
            await self._run()

    async def _run(self) -> None:
        pause_s = AGAIN_S
        while True:
            try:
                await self._converse()
                pause_s = AGAIN_S
            except (OSError, ValueError, KeyError, TimeoutError) as error:
                _log.debug("no keeper", name=self._name, why=str(error))
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 2, AGAIN_MAX_S)

    async def _converse(self) -> None:
        """With one keeper, until it ends."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.setblocking(False)
            line.connect(f"\0{self._name}")  # on this machine: at once, or refused
            trust(line)
            async with asyncio.timeout(WAIT_S):
                greeting = await loop.sock_recv(line, MESSAGE_MAX)
            net = IPv4Network(json.loads(greeting)["net"])
            self._line, self._asked = line, 0
            self._closed.clear()
            loop.add_reader(line, self._receive)
            try:
                self.net = net
                self._open.set()
                self._ask()
                await self._closed.wait()
            finally:
                loop.remove_reader(line)
                self.net = self._line = None
                self._open.clear()
                while self._stock:
                    self._stock.pop().close()

    def _ask(self) -> None:
        wanted = min(BATCH, STOCK - len(self._stock) - self._asked)
        if self._line is not None and wanted > 0:
            with contextlib.suppress(OSError):  # its end is noticed by reading
                self._line.send(bytes([wanted]))
                self._asked += wanted

    def _receive(self) -> None:
        assert self._line is not None, "a reader is there as long as it is"
        try:
            message, fds = receive_files(self._line, MESSAGE_MAX, BATCH)
        except BlockingIOError:
            return
        except OSError:
            message, fds = b"", []
        for fd in fds:
            sock = socket.socket(fileno=fd)
            sock.setblocking(False)
            self._stock.append(sock)
        self._asked -= min(self._asked, message[0] if message else 0)
        if not message:
            self._closed.set()
        self._came.set()


def receive_files(line: socket.socket, size_max: int, files_max: int) -> tuple[bytes, list[int]]:
    """One message and the files that came with it, which programs do not inherit. Raises OSError."""
    room = socket.CMSG_LEN(files_max * array.array("i").itemsize)
    message, extras, _, _ = line.recvmsg(size_max, room, socket.MSG_CMSG_CLOEXEC)
    files = array.array("i")
    for level, kind, data in extras:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return message, list(files)


def trust(line: socket.socket) -> None:
    """Raises PermissionError when the other end is a program of another user: names are for everybody to take."""
    told = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", told)
    if uid != os.getuid():
        raise PermissionError(f"the other end is of user {uid}")
