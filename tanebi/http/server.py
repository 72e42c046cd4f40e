"""The front of the house: a listening socket and its connections (tanebi.http.connection).

`HttpServer` listens and, every SWEEP_S, looks for whoever is too slow: one sweep over the connections instead of a timer for each
phase of each request. At the end it takes no more connections and lets requests under way end.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from email.utils import format_datetime
from typing import Any, Final

import anyio
from anyio.abc import TaskStatus

from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.http.connection import ServerConnection
from tanebi.http.h2.server import H2ServerConnection
from tanebi.http.reading import ServerLimits
from tanebi.http.sides import Application
from tanebi.http.tls import Handshakes

SWEEP_S: Final = 0.1
BACKLOG: Final = 2048
PARTING_S: Final = 0.25  # a request that is on its way while we say goodbye


class HttpServer:
    """A listening socket and its connections. Inert until `run`."""

    def __init__(
        self,
        application: Application,
        *,
        host: str,
        port: int,
        clock: Clock,
        limits: ServerLimits | None = None,
        sock: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`sock` listens already, for somebody who may outlive us; else `host` and `port` are taken by `listen`. `tls`: clients
        begin with a handshake."""
        self.application = application
        self.limits = limits or ServerLimits()
        self.clock = clock
        self.connections: set[Any] = set()  # ServerConnection, H2ServerConnection
        self.date_line = _date_line(clock)
        self._host = host
        self._port = port
        self._sock = sock
        self._handshakes = Handshakes(tls, clock) if tls is not None else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._log = get_logger("http")

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one once `run` has started."""
        return self._host, self._port

    def now(self) -> float:
        return self.clock.now()

    def call_soon(self, callback: Any, *args: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon(callback, *args)

    def refused(self, peer: str, text: str) -> None:
        self._log.debug("request refused", peer=peer, why=text)

    async def listen(self) -> None:
        """Take the port, but no connection yet. Raises UserError when it cannot be had."""
        self._loop = asyncio.get_running_loop()
        where: dict[str, Any] = {"host": self._host, "port": self._port}
        if self._sock is not None:
            where = {"sock": self._sock}
        try:
            self._server = await self._loop.create_server(
                lambda: ServerConnection(self), **where, backlog=BACKLOG, start_serving=False
            )
        except OSError as error:
            raise UserError(
                "port-taken",
                f"cannot listen on {self._host}:{self._port}",
                hint="another program has the port; choose another one, or 0 for any free one",
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then take no more connections and give requests under way `drain_s` to end.

        Raises UserError when the port cannot be had.
        """
        if self._server is None:
            await self.listen()
        assert self._server is not None
        if self._handshakes is None:
            await self._server.start_serving()
        task_status.started()
        try:
            await self._serve()
        finally:
            with anyio.CancelScope(shield=True):
                await self.drain()

    async def _serve(self) -> None:
        if self._handshakes is None:
            await self._sweep_forever()
            return
        assert self._server is not None
        # The listening socket of a server that does not serve: we accept ourselves.
        with self._server.sockets[0].dup() as listener:
            listener.setblocking(False)
            listener.listen(BACKLOG)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._handshakes.serve(listener, lambda: ServerConnection(self)))
                await self._sweep_forever()

    async def _sweep_forever(self) -> None:
        while True:
            await self.clock.sleep(SWEEP_S)
            now = self.clock.now()
            self.date_line = _date_line(self.clock)
            for connection in list(self.connections):
                self._sweep(connection, now)

    def _sweep(self, connection: ServerConnection | H2ServerConnection, now: float) -> None:
        """A bug in one request must not end the others."""
        try:
            connection.sweep(now)
        except Exception:
            self._log.exception("request failed", peer=connection.peer)
            connection.transport.abort()  # the request hears of it as of a client that left

    async def drain(self) -> None:
        """Take no more connections, and give requests under way `drain_s` to end.

        A client that asks again meanwhile is answered, and told that this was the last answer on its connection; one that does
        not for PARTING_S is cut off.
        """
        assert self._server is not None
        self._server.close()
        began = self.clock.now()
        for connection in self.connections:
            connection.parting = True
        with anyio.move_on_after(self.limits.drain_s):
            while self.connections:
                await anyio.sleep(SWEEP_S / 4)
                now = self.clock.now()
                for connection in list(self.connections):
                    if connection.busy:
                        self._sweep(connection, now)
                    elif now - began >= PARTING_S:
                        connection.abort()
        for connection in list(self.connections):
            connection.abort()


def _date_line(clock: Clock) -> bytes:
    """Precise to SWEEP_S."""
    return b"Date: %b\r\n" % format_datetime(clock.wall(), usegmt=True).encode()


__all__ = ["HttpServer", "ServerConnection", "ServerLimits"]
