"""The transport to a platform of ours over HTTPS, with nothing but the standard library and the HTTP parser.

For parts of a platform that run as processes of their own: they start quickly, stay small, and need no extra package, where
tanebi.kube.network (any cluster, any credential) costs an import of 0.2 s and 20 MB. Each request has a connection of its
own: such a part makes a handful and then watches. Contract: tests/contract/test_kube_api.py.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httptools
import yaml

from tanebi.base.errors import UserError
from tanebi.kube.errors import Unreachable
from tanebi.kube.transport import Request, Response, Stream

CONNECT_TIMEOUT_S: Final = 10.0
RESPONSE_BYTES_MAX: Final = 256 * 1024 * 1024
READ_BYTES: Final = 64 * 1024


class DirectTransport:
    """Implements tanebi.kube.transport.Transport."""

    def __init__(self, server: str, *, ca_pem: str, token: str) -> None:
        self._url = urlsplit(server)
        self._token = token
        self._tls = ssl.create_default_context(cadata=ca_pem) if ca_pem else None

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        with _mapped(request):
            async with asyncio.timeout(timeout_s), self._answer(request) as stream:
                return Response(stream.status, stream.headers, await _whole(stream, request))

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        async with self._answer(request) as stream:
            yield stream

    @asynccontextmanager
    async def _answer(self, request: Request) -> AsyncIterator[Stream]:
        """A connection, the request on it, and the head of the answer. Raises Unreachable."""
        with _mapped(request):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    self._url.hostname, self._url.port, ssl=self._tls
                )
        try:
            incoming = _Incoming()
            with _mapped(request):
                writer.write(self._head(request) + request.body)
                while not incoming.status:
                    incoming.feed(await reader.read(READ_BYTES))
            async with aclosing(_chunks(reader, incoming, request)) as chunks:
                yield Stream(incoming.status, incoming.headers, chunks)
        finally:
            writer.transport.abort()

    def _head(self, request: Request) -> bytes:
        query = f"?{urlencode(request.query)}" if request.query else ""
        base = self._url.path.rstrip("/")
        headers = {
            "host": self._url.netloc,
            "authorization": f"Bearer {self._token}",
            "connection": "close",
            "content-length": str(len(request.body)),
            **request.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{request.method} {base}{request.path}{query} HTTP/1.1\r\n{lines}\r\n".encode()


class _Incoming:
    """An answer as it comes. The names that start with `on_` are httptools' callbacks."""

    def __init__(self) -> None:
        self.status = 0  # known with the whole head
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Raises ConnectionError for an end that comes too early, HttpParserError for what is no HTTP."""
        if not data:
            raise ConnectionError("the server closed the connection")
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True

    def take(self) -> bytes:
        taken, self.pieces = b"".join(self.pieces), []
        return taken


async def _chunks(
    reader: asyncio.StreamReader, incoming: _Incoming, request: Request
) -> AsyncGenerator[bytes, None]:
    while True:
        if piece := incoming.take():
            yield piece
        if incoming.complete:
            return
        with _mapped(request):
            incoming.feed(await reader.read(READ_BYTES))


async def _whole(stream: Stream, request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream.chunks:
        parts.append(part)
        size += len(part)
        if size > RESPONSE_BYTES_MAX:
            raise Unreachable(
                f"{request.method} {request.path}: the answer is larger than {RESPONSE_BYTES_MAX} bytes"
            )
    return b"".join(parts)


@contextmanager
def _mapped(request: Request) -> Iterator[None]:
    """Errors of sockets and parsers become ours; the cause is chained."""
    try:
        yield
    except (OSError, TimeoutError, httptools.HttpParserError) as error:
        what = str(error) or type(error).__name__
        raise Unreachable(f"{request.method} {request.path}: {what}") from error


def of_kubeconfig(path: Path) -> DirectTransport | None:
    """None: its current context needs more than a token and an authority. Raises UserError when it cannot be read."""
    try:
        config = yaml.safe_load(path.read_text())
        context = _named(config, "contexts", config["current-context"])["context"]
        cluster = _named(config, "clusters", context["cluster"])["cluster"]
        user = _named(config, "users", context["user"])["user"]
    except (OSError, KeyError, TypeError, StopIteration, yaml.YAMLError) as error:
        raise UserError(
            "kubeconfig-invalid",
            f"cannot connect to Kubernetes with {path}",
            hint="check the file with: kubectl config view",
        ) from error
    if set(user) != {"token"} or set(cluster) != {"server", "certificate-authority-data"}:
        return None
    ca_pem = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return DirectTransport(cluster["server"], ca_pem=ca_pem, token=user["token"])


def _named(config: Any, section: str, name: str) -> Any:
    return next(item for item in config[section] if item["name"] == name)
