"""From a request with Upgrade to a stream of a pod: which protocol, whether it may be had, and who serves it.

Refusals are answered as plain HTTP before the upgrade; what goes wrong later is told in the stream's own way. The caller has
found out who asks and that they may. Caller: tanebi.apiserver.https.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import anyio
import orjson

from tanebi.api.meta import Obj
from tanebi.api.podstreams import ByteStream, NoStream, PodStreams
from tanebi.apiserver.paths import Target
from tanebi.apiserver.status import CHALLENGE
from tanebi.apiserver.streaming import channels, forward, remote
from tanebi.apiserver.streaming.calls import Call, read_call
from tanebi.apiserver.streaming.mux import Mux
from tanebi.apiserver.streaming.remote import Channels, NoStreams, SpdyChannels, WebSocketChannels
from tanebi.apiserver.streaming.websocket import (
    BadHandshake,
    Tunnelled,
    WebSocket,
    accept,
    choose,
)
from tanebi.apiserver.streaming.wire import Wire, WireBroken
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError, BadRequest, Forbidden, NotFound, ServerError

WEBSOCKET: Final = b"websocket"
SPDY: Final = b"spdy/3.1"
UPGRADES: Final = (WEBSOCKET, SPDY)
DIAL_S: Final = 10.0
_REMOTE: Final = (channels.V5, channels.V4, channels.V1)
_FORWARD: Final = (channels.TUNNEL, channels.V5, channels.V4)


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head. Header names are lower case; `upgrade` is one of UPGRADES."""

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    upgrade: bytes

    def first(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key == name), b"")

    def listed(self, name: bytes) -> list[str]:
        """All values of a header, also those behind commas."""
        return [
            word.strip()
            for key, value in self.headers
            if key == name
            for word in value.decode("latin-1").split(",")
            if word.strip()
        ]


class StreamDoor:
    """`streams` None: there is no kubelet here."""

    def __init__(self, streams: PodStreams | None) -> None:
        self._streams = streams
        self._log = get_logger("apiserver.streams")

    async def serve(self, head: Head, target: Target, wire: Wire) -> None:
        """Until the stream is over. Raises ApiError as long as the connection is still plain HTTP."""
        call = read_call(target, parse_qsl(head.query.decode("latin-1"), keep_blank_values=True))
        streams = self._ready(call)
        protocol = _negotiate(head, call)
        answer = _switching(head, protocol)
        try:
            await wire.send(answer)
            if head.upgrade == WEBSOCKET:
                await self._over_websocket(WebSocket(wire), protocol, call, streams)
            else:
                await self._over_spdy(Mux(wire), call, streams)
        except* (WireBroken, NoStreams) as group:
            self._log.debug("stream ended early", pod=str(call.pod), why=str(group.exceptions[0]))
        finally:
            await wire.close()

    def _ready(self, call: Call) -> PodStreams:
        if self._streams is None:
            raise BadRequest(f"no pods run here: {call.pod}")
        try:
            self._streams.check(call.pod, None if call.verb == "portforward" else call.container)
        except NoStream as refused:
            raise _refusal(call, refused) from refused
        return self._streams

    # --- the two protocols ---------------------------------------------------------------------

    async def _over_websocket(
        self, socket: WebSocket, protocol: str, call: Call, streams: PodStreams
    ) -> None:
        if call.verb != "portforward":
            plain = protocol == channels.V1
            await self._remote(WebSocketChannels(socket, call.wish, plain=plain), call, streams)
        elif protocol == channels.TUNNEL:
            await self._over_spdy(Mux(Tunnelled(socket)), call, streams)
        else:
            dial = _Dial(streams, call)
            await forward.WebSocketForward(socket, call.ports, dial).serve()
            await socket.close()

    async def _over_spdy(self, mux: Mux, call: Call, streams: PodStreams) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mux.run)
            if call.verb == "portforward":
                await forward.serve_spdy(mux, _Dial(streams, call))
            else:
                await self._remote(SpdyChannels(mux, call.wish), call, streams)
            tasks.cancel_scope.cancel()

    async def _remote(self, client: Channels, call: Call, streams: PodStreams) -> None:
        await client.begin()
        try:
            if call.verb == "exec":
                session = await streams.execute(call.pod, call.container, call.command, call.wish)
            else:
                session = await streams.attach(call.pod, call.container, call.wish)
        except NoStream as refused:
            await client.finish(orjson.dumps(_status(refused, call)))
            return
        await remote.serve(client, session)


class _Dial:
    """Connects to a port of the pod, within a deadline."""

    def __init__(self, streams: PodStreams, call: Call) -> None:
        self._streams = streams
        self._call = call

    async def __call__(self, port: int) -> ByteStream:
        with anyio.move_on_after(DIAL_S):
            return await self._streams.dial(self._call.pod, port)
        raise NoStream(f"no connection to port {port} within {DIAL_S:g} s", ours=True)


def refusal(error: ApiError) -> bytes:
    """The whole HTTP answer instead of an upgrade."""
    body = orjson.dumps(error.to_status())
    try:
        phrase = HTTPStatus(error.status).phrase
    except ValueError:
        phrase = ""
    authenticate = f"WWW-Authenticate: {CHALLENGE}\r\n" if error.status == 401 else ""
    head = (
        f"HTTP/1.1 {error.status} {phrase}\r\nContent-Type: application/json\r\n{authenticate}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body


def _negotiate(head: Head, call: Call) -> str:
    """Raises Forbidden with Kubernetes' words when there is no common protocol."""
    if head.upgrade == WEBSOCKET:
        offered = head.listed(b"sec-websocket-protocol")
        known: Sequence[str] = _FORWARD if call.verb == "portforward" else _REMOTE
    else:
        offered = head.listed(b"x-stream-protocol-version")
        known = (channels.PORTS,) if call.verb == "portforward" else (channels.V4,)
    found = choose(offered, known)
    if found is None:
        raise Forbidden(
            f"unable to negotiate protocol: client supports {offered}, server accepts {list(known)}"
        )
    return found


def _switching(head: Head, protocol: str) -> bytes:
    """Raises BadRequest."""
    if head.upgrade == SPDY:
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            b"X-Stream-Protocol-Version: %b\r\n\r\n"
        ) % protocol.encode()
    try:
        key, version = head.first(b"sec-websocket-key"), head.first(b"sec-websocket-version")
        return accept(key, version, protocol)
    except BadHandshake as error:
        raise BadRequest(str(error)) from error


def _refusal(call: Call, refused: NoStream) -> ApiError:
    if refused.pod_unknown:
        return NotFound(refused.message, details={"name": call.pod.name, "kind": "pods"})
    return ServerError(refused.message) if refused.ours else BadRequest(refused.message)


def _status(refused: NoStream, call: Call) -> Obj:
    return channels.failed(refused.message) if refused.ours else _refusal(call, refused).to_status()
