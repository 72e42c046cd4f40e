"""A request that is answered inside the process: collected whole, handed to a handler, answered whole.

For what is small by contract: the broker's ingress. Bodies are bounded by the handler's own limit before it is called.
Caller: activator.gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tanebi.base.log import get_logger
from tanebi.http.headers import normal_host
from tanebi.http.messages import HttpHandler, HttpRequest
from tanebi.http.sides import ClientStream

# An upload in pieces may not stall forever: seconds from its head to its last byte.
UPLOAD_TIMEOUT_S: Final = 60.0

log = get_logger("gateway")


class WholeRequest:
    """Implements tanebi.http.sides.BodySink."""

    __slots__ = ("_began", "_chunks", "_handler", "_request", "_size", "_spawn", "_task")

    def __init__(
        self,
        request: ClientStream,
        handler: HttpHandler,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._request = request
        self._handler = handler
        self._spawn = spawn
        self._chunks: list[bytes] = []
        self._size = 0
        self._began = 0.0
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """It is this request's turn."""
        request = self._request
        if request.body_length > self._handler.body_max:
            self._too_large()
            return
        for piece in request.take_body():
            self.on_request_body(piece)
        if request.done:
            return
        if request.complete:
            self.on_request_end()
        elif request.expects_continue:
            request.send_interim(100, ())

    def on_request_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._handler.body_max:
            self._too_large()
            return
        self._chunks.append(chunk)

    def on_request_end(self) -> None:
        self._task = self._spawn(self._answer())

    def on_client_left(self) -> None:
        """Who accepted an event may go on with it: only the answer is lost."""

    def on_client_slow(self) -> None:
        """The answer is small and already written."""

    def on_client_ready(self) -> None:
        """See on_client_slow."""

    def on_sweep(self, now: float) -> None:
        if self._began == 0.0:
            self._began = now
        elif self._task is None and now - self._began > UPLOAD_TIMEOUT_S:
            self._request.respond_text(408, "the body did not arrive in time")

    def _too_large(self) -> None:
        self._chunks.clear()
        self._request.respond_text(
            413, f"the body exceeds the limit of {self._handler.body_max} bytes"
        )

    async def _answer(self) -> None:
        request = self._request
        whole = HttpRequest(
            request.method.decode("ascii"),
            normal_host(request.host),
            request.target.decode("latin-1"),
            request.headers,
            b"".join(self._chunks),
        )
        try:
            response = await self._handler.handle(whole)
        except Exception:
            log.exception("handler failed", host=whole.host, target=whole.target)
            if not request.done:
                request.respond_text(500, "internal error")
            return
        if not request.done:
            request.respond(response.status, response.headers, response.body)
