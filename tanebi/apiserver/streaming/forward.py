"""Port-forward: each pair of streams (data and error) that the client opens becomes a connection to a port of the pod.

Over SPDY, plain or inside of a WebSocket, pairs come as the client's own connections come; over a plain WebSocket
(`v4.channel.k8s.io`, the Python client; `v5.channel.k8s.io`, the command line) there is one pair for each port that the request
names. Caller: tanebi.apiserver.streaming.door.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio

from tanebi.api.podstreams import ByteStream, NoStream
from tanebi.apiserver.streaming.calls import read_port
from tanebi.apiserver.streaming.channels import CLOSE
from tanebi.apiserver.streaming.mux import Mux, SpdyStream
from tanebi.apiserver.streaming.websocket import SEND_MAX, WebSocket
from tanebi.apiserver.streaming.wire import WireBroken
from tanebi.kube.errors import BadRequest

PAIRS_MAX: Final = 256
PAIR_S: Final = 30.0  # how long the second stream of a pair may take to come

Dial = Callable[[int], Awaitable[ByteStream]]


async def serve_spdy(mux: Mux, dial: Dial) -> None:
    """Until the client has gone. `mux.run` runs meanwhile."""
    half: dict[str, SpdyStream] = {}
    limiter = anyio.CapacityLimiter(PAIRS_MAX)
    async with anyio.create_task_group() as tasks:
        while (stream := await mux.accept()) is not None:
            request = stream.headers.get("requestid", "") or stream.headers.get("port", "")
            other = half.pop(request, None)
            if other is None and len(half) < PAIRS_MAX:
                half[request] = stream
            elif other is None or {stream.kind, other.kind} != {"data", "error"}:
                await stream.reset()
            else:
                data, error = (stream, other) if stream.kind == "data" else (other, stream)
                tasks.start_soon(_pair, data, error, dial, limiter)
        tasks.cancel_scope.cancel()


async def _pair(
    data: SpdyStream, error: SpdyStream, dial: Dial, limiter: anyio.CapacityLimiter
) -> None:
    """One connection. What goes wrong is said on the error stream."""
    async with limiter:
        try:
            why = await _joined(data, dial)
            if why:
                await error.send(why.encode())
                await data.reset()
            else:
                await data.send_end()
            await error.send_end()
        except WireBroken:
            return  # all of it is over, and whoever reads the mux says so


async def _joined(data: SpdyStream, dial: Dial) -> str:
    """Copy both ways until the port's side has ended. Returns what went wrong."""
    text = data.headers.get("port", "")
    try:
        stream = await dial(read_port(text))
    except (NoStream, BadRequest) as refused:
        return f"an error occurred forwarding {text}: {refused.message}"
    broken: list[Exception] = []
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_to_port, data, stream)
            try:
                while chunk := await stream.receive():
                    await data.send(chunk)
            except (OSError, WireBroken) as error:
                broken.append(error)
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await stream.close()
    return f"an error occurred forwarding {text}: {broken[0]}" if broken else ""


async def _to_port(data: SpdyStream, stream: ByteStream) -> None:
    try:
        while chunk := await data.receive():
            await stream.send(chunk)
        await stream.send_end()
    except OSError:
        return  # the reading side hears of it too, and may still have an answer to hand on


class WebSocketForward:
    """Channels 2·i (data) and 2·i+1 (error) for the i-th port; each begins with the port as two bytes, little end first.

    Channel 255 ends the client's side of the data channel that its message names, as `v5` has it for the input of a command.
    """

    def __init__(self, socket: WebSocket, ports: Sequence[int], dial: Dial) -> None:
        self._socket = socket
        self._ports = ports
        self._dial = dial
        self._sending = anyio.Lock()

    async def serve(self) -> None:
        """Until the client has gone or each port's connection has ended. Raises WireBroken."""
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):
                await self._send(channel, port.to_bytes(2, "little"))
        streams: dict[int, ByteStream] = {}
        try:
            for index, port in enumerate(self._ports):
                await self._connect(index, port, streams)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._from_client, streams, tasks.cancel_scope)
                async with anyio.create_task_group() as ports:
                    for index, stream in streams.items():
                        ports.start_soon(self._from_port, index, stream)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                for stream in streams.values():
                    await stream.close()

    async def _connect(self, index: int, port: int, streams: dict[int, ByteStream]) -> None:
        try:
            streams[index] = await self._dial(port)
        except NoStream as refused:
            await self._fail(index, refused.message)

    async def _from_port(self, index: int, stream: ByteStream) -> None:
        try:
            while data := await stream.receive():
                await self._send(2 * index, data)
        except OSError as broken:
            await self._fail(index, str(broken))

    async def _fail(self, index: int, why: str) -> None:
        text = f"an error occurred forwarding {self._ports[index]}: {why}"
        await self._send(2 * index + 1, text.encode())

    async def _from_client(self, streams: dict[int, ByteStream], scope: anyio.CancelScope) -> None:
        channel: int | None = None
        while (piece := await self._socket.receive()) is not None:
            data, last = piece
            if channel is None and data:
                channel, data = data[0], data[1:]
            if channel == CLOSE and data:
                await self._end(streams, data[0])
            stream = streams.get((channel or 0) // 2)
            if data and stream is not None and channel is not None and channel % 2 == 0:
                try:
                    await stream.send(data)
                except OSError:
                    pass  # its own task says so
            if last:
                channel = None
        scope.cancel()

    async def _end(self, streams: dict[int, ByteStream], channel: int) -> None:
        stream = streams.get(channel // 2)
        try:
            if stream is not None and channel % 2 == 0:
                await stream.send_end()
        except OSError:
            pass  # its own task says so

    async def _send(self, channel: int, data: bytes) -> None:
        prefix = bytes((channel,))
        async with self._sending:
            for at in range(0, max(len(data), 1), SEND_MAX):
                await self._socket.send(prefix + data[at : at + SEND_MAX])
