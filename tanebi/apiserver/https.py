"""The HTTPS door: TLS, who asks, and bytes to and from `ApiServer.handle`.

An ASGI app on uvicorn, on a socket of our own, in the loop that everything runs in. It knows no kinds: whatever somebody known
asks becomes a Request, or the stream of a pod when it asks to upgrade. Not on the data path. Constructed by tanebi.up.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import anyio
import uvicorn
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from tanebi.api.core.kinds import POD
from tanebi.apiserver import status
from tanebi.apiserver.authentication import Authenticator, Headers, RefusalLog
from tanebi.apiserver.compress import compressed
from tanebi.apiserver.paths import Target
from tanebi.apiserver.pki import Pki
from tanebi.apiserver.server import BODY_BYTES_MAX, ApiServer
from tanebi.apiserver.streaming.calls import options_of, read_call
from tanebi.apiserver.streaming.door import Head, StreamDoor, refusal
from tanebi.apiserver.streaming.output import serve_output
from tanebi.apiserver.streaming.wire import Wire, WireBroken
from tanebi.apiserver.upgrading import CERTIFICATE, UpgradingConnection
from tanebi.apiserver.user import ADMIN, ANONYMOUS, User
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.kube.errors import (
    ApiError,
    ServerError,
    ServerTimeout,
    TooLarge,
    TooManyRequests,
    Unauthorized,
)
from tanebi.kube.transport import Request, Response, Stream

BACKLOG: Final = 256
CONNECTIONS_MAX: Final = 1024
STREAMS_MAX: Final = 512  # exec, attach and port-forward at a time
GRACE_S: Final = 2
BODY_TIMEOUT_S: Final = 30.0
# Without a token: what load balancers and readiness checks look at.
OPEN_PATHS: Final = ("/healthz", "/livez", "/readyz", "/version")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises UserError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it: head and body are two writes, and the second must not wait 40 ms for an acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise UserError(
            "api-port-taken",
            f"the API server cannot listen on {host}:{port}: {error.strerror or error}",
            hint="choose another port with --api-port, or 0 for any free one"
            if error.errno in (errno.EADDRINUSE, errno.EACCES)
            else "choose an address of this machine with --host",
        ) from error
    sock.setblocking(False)
    return sock


class HttpsDoor:
    """Serves `server` on `sock`. Inert until `run`; closes the socket at the end."""

    def __init__(
        self,
        server: ApiServer,
        sock: socket.socket,
        pki: Pki,
        *,
        token: str,
        known: Mapping[str, User] | None = None,
    ) -> None:
        """`token` is an administrator's; `known` are other users by theirs."""
        self._server = server
        self._sock = sock
        self._pki = pki
        users = {**(known or {}), token: ADMIN}
        self._authenticator = Authenticator(users, server.tokens, server.authorizer)
        self._refusals = RefusalLog(server.objects.clock)
        self._log = get_logger("apiserver.https")
        self._stopping = anyio.Event()
        self._streams = StreamDoor(server.streams)
        self._stream_tasks: TaskGroup | None = None
        self._stream_count = 0

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        class Connection(UpgradingConnection):
            taker = self

        config = uvicorn.Config(
            self._app,
            http=Connection,
            ssl_certfile=str(self._pki.certificate),
            ssl_keyfile=str(self._pki.key),
            ssl_ca_certs=str(self._pki.authority),
            ssl_cert_reqs=ssl.CERT_OPTIONAL,
            log_config=None,
            access_log=False,
            interface="asgi3",
            ws="none",
            proxy_headers=False,
            lifespan="off",
            server_header=False,
            date_header=True,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=GRACE_S,
        )
        listener = _Listener(config)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(listener.serve, [self._sock])
                await listener.listening.wait()
                try:
                    async with anyio.create_task_group() as self._stream_tasks:
                        task_status.started()
                        await anyio.sleep_forever()
                finally:
                    # End the watches first: an open stream would hold the connections over the grace period.
                    self._stopping.set()
                    listener.should_exit = True
                    with anyio.CancelScope(shield=True), anyio.move_on_after(GRACE_S + 1):
                        await listener.stopped.wait()
        finally:
            self._sock.close()

    # --- one stream -----------------------------------------------------------------------------

    def take(self, head: Head, target: Target, wire: Wire, scope: Any) -> None:
        assert self._stream_tasks is not None, "connections come while `run` runs"
        self._stream_tasks.start_soon(self._serve_stream, head, target, wire, scope)

    async def _serve_stream(self, head: Head, target: Target, wire: Wire, scope: Scope) -> None:
        self._stream_count += 1
        try:
            user = self._user(head.headers, scope)
            self._server.authorize(Request(head.method, head.path), user, target)
            if self._stream_count > STREAMS_MAX:
                raise TooManyRequests(f"{STREAMS_MAX} streams of pods are open; try again later")
            if target.subresource == "log":
                request = Request("GET", head.path, _query(head.query))
                await serve_output(head, wire, await self._server.handle(request, user))
            else:
                query = parse_qsl(head.query.decode("latin-1"), keep_blank_values=True)
                await self._server.admit(user, POD, target, options_of(read_call(target, query)))
                await self._streams.serve(head, target, wire)
        except ApiError as error:
            await _refuse(wire, error)
        except Exception as error:  # the edge, as below
            self._log.error("internal error", path=head.path, exc_info=error)
            await wire.close()
        finally:
            self._stream_count -= 1

    # --- one request ----------------------------------------------------------------------------

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", scope["type"]
        http = HttpRequest(scope, receive)
        try:
            answer = await self._answer(http)
        except ClientDisconnect:
            return
        except ApiError as error:
            answer = status.response(error)
        except Exception as error:  # the edge: whatever a bug of ours is, its client gets a Status
            self._log.error("internal error", path=http.url.path, exc_info=error)
            answer = status.response(ServerError(f"internal error: {type(error).__name__}"))
        if isinstance(answer, Stream):
            await self._stream(answer, receive, send)
        else:
            answer = await compressed(answer, http.headers.get("accept-encoding", ""))
            await _send(answer, send, head=http.method == "HEAD")

    async def _answer(self, http: HttpRequest) -> Response | Stream:
        path = http.scope["path"]
        try:
            user = self._user(http.scope["headers"], http.scope)
        except Unauthorized:
            if path not in OPEN_PATHS:
                raise
            user = ANONYMOUS
        raw_path = http.scope.get("raw_path") or quote(path).encode()
        request = Request(
            method=http.method,
            path=raw_path.decode("latin-1"),
            query=_query(http.scope["query_string"]),
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in http.scope["headers"]},
            body=await _body(http),
        )
        return await self._server.handle(request, user)

    def _user(self, headers: Headers, scope: Scope) -> User:
        """Raises Unauthorized, Forbidden."""
        try:
            return self._authenticator.user(headers, scope["state"].get(CERTIFICATE))
        except Unauthorized:
            self._refusals.refused(scope["client"][0] if scope.get("client") else "")
            raise

    async def _stream(self, answer: Stream, receive: Receive, send: Send) -> None:
        """Send chunks as they come, until they end, the client goes, or the server stops."""
        await send(_start(answer.status, answer.headers))
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_close, answer.chunks)
            async with anyio.create_task_group() as group:
                group.start_soon(_when_gone, receive, group.cancel_scope)
                group.start_soon(_when_set, self._stopping, group.cancel_scope)
                async for chunk in answer.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Listener(uvicorn.Server):
    """uvicorn without its signal handlers: Ctrl-C belongs to tanebi.up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self.stopped = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        # Shielded: cancelling uvicorn would drop answers half sent; `should_exit` ends it in order.
        with anyio.CancelScope(shield=True):
            try:
                await super().serve(sockets)
            finally:
                self.stopped.set()


async def _refuse(wire: Wire, error: ApiError) -> None:
    with contextlib.suppress(WireBroken):
        await wire.send(refusal(error))
    await wire.close()


async def _when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _when_set(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _close(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        with anyio.CancelScope(shield=True):
            await close()


async def _body(http: HttpRequest) -> bytes:
    """Raises TooLarge as soon as it is known."""
    declared = http.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > BODY_BYTES_MAX:
        raise TooLarge(f"Request entity too large: limit is {BODY_BYTES_MAX}")
    body = bytearray()
    with anyio.move_on_after(BODY_TIMEOUT_S):
        async for chunk in http.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise TooLarge(f"Request entity too large: limit is {BODY_BYTES_MAX}")
        return bytes(body)
    raise ServerTimeout(f"the body of the request did not arrive within {BODY_TIMEOUT_S:g} s")


def _query(query: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _start(code: int, headers: Mapping[str, str]) -> dict[str, object]:
    encoded = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]
    return {"type": "http.response.start", "status": code, "headers": encoded}


async def _send(answer: Response, send: Send, *, head: bool) -> None:
    length = {"content-length": str(len(answer.body))}
    told = length | dict(answer.headers) if head else {**answer.headers, **length}
    await send(_start(answer.status, told))
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
