"""The transport that is a function call: the API server in this process answers.

No sockets, no HTTP: a Request goes to the server's own `handle`, the same function that serves HTTPS. The server is above this
floor, so it is known here only as a Handler.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

import anyio

from tanebi.kube.errors import Unreachable
from tanebi.kube.transport import Request, Response, Stream

U = TypeVar("U")
U_contra = TypeVar("U_contra", contravariant=True)


class Handler(Protocol[U_contra]):
    """What answers requests: tanebi.apiserver's ApiServer. `U` is its notion of who asks."""

    async def handle(self, request: Request, user: U_contra) -> Response | Stream: ...


class EmbeddedTransport(Generic[U]):
    """Implements tanebi.kube.transport.Transport. Every request is made as `user`."""

    def __init__(self, server: Handler[U], *, user: U) -> None:
        self._server = server
        self._user = user

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        with anyio.move_on_after(timeout_s):
            answer = await self._server.handle(request, self._user)
            if isinstance(answer, Response):
                return answer
            return await _collect(answer)
        raise Unreachable(f"{request.method} {request.path}: no answer within {timeout_s:g} s")

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        answer = await self._server.handle(request, self._user)
        if isinstance(answer, Response):
            yield Stream(answer.status, answer.headers, _once(answer.body))
            return
        try:
            yield answer
        finally:
            await _close(answer)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _collect(stream: Stream) -> Response:
    try:
        body = b"".join([chunk async for chunk in stream.chunks])
    finally:
        await _close(stream)
    return Response(stream.status, stream.headers, body)


async def _close(stream: Stream) -> None:
    """End a generator now, so that the server forgets its watcher; other iterators have nothing to end."""
    close = getattr(stream.chunks, "aclose", None)
    if close is not None:
        with anyio.CancelScope(shield=True):
            await close()
