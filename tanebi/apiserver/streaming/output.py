"""A pod's output over WebSocket, a message for each piece (`binary.k8s.io`), as some clients follow logs.

Caller: tanebi.apiserver.https.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from tanebi.apiserver.streaming.door import Head
from tanebi.apiserver.streaming.websocket import BadHandshake, WebSocket, accept, choose
from tanebi.apiserver.streaming.wire import Wire, WireBroken
from tanebi.kube.errors import BadRequest, Forbidden
from tanebi.kube.transport import Response, Stream

BINARY: Final = "binary.k8s.io"


async def serve_output(head: Head, wire: Wire, answer: Response | Stream) -> None:
    """Until the output or the client has ended. Raises ApiError as long as the connection is still plain HTTP."""
    assert isinstance(answer, Stream), "a refusal is raised"
    async with aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
        offered = head.listed(b"sec-websocket-protocol")
        if choose(offered, (BINARY,)) is None:
            raise Forbidden(
                f"unable to negotiate protocol: client supports {offered}, server accepts [{BINARY!r}]"
            )
        try:
            key, version = head.first(b"sec-websocket-key"), head.first(b"sec-websocket-version")
            switching = accept(key, version, BINARY)
        except BadHandshake as error:
            raise BadRequest(str(error)) from error
        try:
            await wire.send(switching)
            socket = WebSocket(wire)
            async for chunk in chunks:
                await socket.send(chunk)
            await socket.close()
        except WireBroken:
            return  # the client has gone
        finally:
            await wire.close()
