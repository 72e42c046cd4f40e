"""The DNS server of the pods of this machine, by UDP and TCP. What it says is decided in tanebi.kubelet.dns.

Names of the cluster are answered from the world; others are passed on to the machine's own servers, one after the other, and
their answers passed back. It listens on loopback; the pods' network sends to it what pods ask of the gateway's address.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from tanebi.base.log import get_logger
from tanebi.kubelet import dns
from tanebi.kubelet.dns import BadQuery, Elsewhere, Found, Question, World

SERVER_S: Final = 2.0  # what each of the machine's servers gets
QUERY_MAX: Final = 4096
ANSWER_MAX: Final = 65535
UNDER_WAY_MAX: Final = 256  # questions passed on at a time; more are dropped, and clients ask again
CONNECTIONS_MAX: Final = 64
IDLE_S: Final = 10.0
PORT: Final = 53
LOOPBACK: Final = "127.0.0.1"

_log = get_logger("dns")


class DnsServer:
    """`upstream` are the machine's servers, addresses with an optional port after `#`."""

    def __init__(self, world: Callable[[], World], upstream: Sequence[str]) -> None:
        self._world = world
        self._upstream = upstream
        self._under_way: set[asyncio.Task[None]] = set()
        self._connections = 0
        self.udp_port = 0
        self.tcp_port = 0

    @asynccontextmanager
    async def listening(
        self, udp: socket.socket | None = None, tcp: socket.socket | None = None
    ) -> AsyncIterator[DnsServer]:
        """At these sockets, or on loopback at any free ports. Raises OSError."""
        loop = asyncio.get_running_loop()
        at = None if udp is not None else (LOOPBACK, 0)
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=at, sock=udp
        )
        self.udp_port = transport.get_extra_info("sockname")[1]
        where: dict[str, Any] = {"host": LOOPBACK, "port": 0} if tcp is None else {"sock": tcp}
        server = await asyncio.start_server(self._converse, **where, limit=QUERY_MAX)
        self.tcp_port = server.sockets[0].getsockname()[1]
        try:
            async with asyncio.TaskGroup() as self._tasks:
                yield self
                for task in self._under_way:
                    task.cancel()
        finally:
            server.close()
            transport.close()

    def answer(self, query: bytes, *, udp: bool) -> bytes | tuple[Question, Elsewhere]:
        """At once, or what must be asked of others first."""
        try:
            question = dns.read(query)
        except BadQuery:
            return dns.failure(query, dns.FORMAT_ERROR)
        world = self._world()
        found = dns.look_up(question, world)
        if isinstance(found, Elsewhere):
            return question, found
        return dns.encode(question, found, world, size_max=question.size_max if udp else None)

    def spawn(self, transport: asyncio.DatagramTransport, query: bytes, client: object) -> None:
        """Answer a datagram that others must be asked for; dropped when too many are."""
        if len(self._under_way) >= UNDER_WAY_MAX:
            return
        task = self._tasks.create_task(self._answer_later(transport, query, client))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer_later(
        self, transport: asyncio.DatagramTransport, query: bytes, client: object
    ) -> None:
        answer = await self.resolve(query, udp=True)
        if answer and not transport.is_closing():
            transport.sendto(answer, client)  # type: ignore[arg-type]  # as it was given to us

    async def resolve(self, query: bytes, *, udp: bool) -> bytes:
        """The answer to a question, from whomever it takes."""
        found = self.answer(query, udp=udp)
        if isinstance(found, bytes):
            return found
        question, elsewhere = found
        if elsewhere.alias is None:
            answer = await self._ask(query, udp=udp)
            return answer or dns.failure(query, dns.SERVER_FAILURE)
        answer = await self._ask(dns.ask(question, elsewhere.name), udp=False)
        try:
            records = dns.addresses_in(answer, elsewhere.name) if answer else ()
        except BadQuery:
            records = ()
        whole = Found((elsewhere.alias, *records))
        return dns.encode(
            question, whole, self._world(), size_max=question.size_max if udp else None
        )

    async def _ask(self, query: bytes, *, udp: bool) -> bytes:
        for server in self._upstream:
            host, _, port = server.partition("#")
            with contextlib.suppress(OSError, TimeoutError, EOFError):
                async with asyncio.timeout(SERVER_S):
                    ask = _ask_udp if udp else _ask_tcp
                    return await ask(query, host, int(port or PORT))
        _log.info("no answer from the machine's servers", servers=list(self._upstream))
        return b""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Questions by TCP, one after the other."""
        self._connections += 1
        try:
            while self._connections <= CONNECTIONS_MAX:
                async with asyncio.timeout(IDLE_S):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    query = await reader.readexactly(min(size, QUERY_MAX))
                answer = await self.resolve(query, udp=False)
                if size > QUERY_MAX or not answer:
                    return
                writer.write(len(answer).to_bytes(2, "big") + answer)
                async with asyncio.timeout(IDLE_S):
                    await writer.drain()
        except (OSError, TimeoutError, EOFError):
            return
        finally:
            self._connections -= 1
            writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        found = self._server.answer(data[:QUERY_MAX], udp=True)
        if not isinstance(found, bytes):
            self._server.spawn(self._transport, data, addr)
        elif found:
            self._transport.sendto(found, addr)


class _Reply(asyncio.DatagramProtocol):
    """The first answer to one question."""

    def __init__(self, query: bytes) -> None:
        self._query = query
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] == self._query[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _ask_udp(query: bytes, host: str, port: int) -> bytes:
    """Raises OSError."""
    loop = asyncio.get_running_loop()
    transport, reply = await loop.create_datagram_endpoint(
        lambda: _Reply(query), remote_addr=(host, port)
    )
    try:
        transport.sendto(query)
        return await reply.answer
    finally:
        reply.answer.cancel()
        transport.close()


async def _ask_tcp(query: bytes, host: str, port: int) -> bytes:
    """Raises OSError, EOFError."""
    reader, writer = await asyncio.open_connection(host, port, limit=ANSWER_MAX)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)
    finally:
        writer.transport.abort()
