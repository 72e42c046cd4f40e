"""The transport to a real cluster, or to our own server over HTTPS.

The official `kubernetes` package reads kubeconfigs and service accounts, keeps tokens fresh and sets up TLS; bytes go by
aiohttp with these settings, and not through the package's models. This is the one file that imports the package, an extra of ours
(`tanebi[kubernetes]`); import this module only where a cluster is meant.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tanebi.base.errors import UserError
from tanebi.kube.errors import Unreachable
from tanebi.kube.transport import Request, Response, Stream

try:
    import aiohttp
    from kubernetes.aio import config as kubernetes_config
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.client.rest import RESTClientObject
    from kubernetes.aio.config.config_exception import ConfigException
    from yarl import URL
except ImportError as missing:
    raise UserError(
        "kubernetes-missing",
        "talking to a Kubernetes cluster needs the kubernetes package",
        hint="pip install 'tanebi[kubernetes]'",
    ) from missing

_KUBERNETES: Final[Any] = kubernetes_config  # its functions carry no types
CONNECT_TIMEOUT_S: Final = 10.0
CONNECTIONS_MAX: Final = 256  # a watch holds one for as long as it lasts
RESPONSE_BYTES_MAX: Final = 256 * 1024 * 1024
READ_BYTES: Final = 64 * 1024


class NetworkTransport:
    """Implements tanebi.kube.transport.Transport. Made by `connect`."""

    def __init__(self, session: aiohttp.ClientSession, configuration: Configuration) -> None:
        self._session = session
        self._configuration = configuration
        self._host = str(configuration.host).rstrip("/")

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        with _mapped(request):
            async with await self._send(request, limits) as answer:
                return Response(answer.status, _headers(answer), await _body(answer, request))

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
        with _mapped(request):
            answer = await self._send(request, limits)
        try:
            async with aclosing(_chunks(answer, request)) as chunks:
                yield Stream(answer.status, _headers(answer), chunks)
        finally:
            answer.close()

    async def _send(
        self, request: Request, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return await self._session.request(
            request.method,
            URL(f"{self._host}{request.path}{query}", encoded=True),
            data=request.body or None,
            headers={**request.headers, **await self._credentials()},
            timeout=limits,
            allow_redirects=False,
        )

    async def _credentials(self) -> dict[str, str]:
        """Asked for anew each time: tokens are renewed by the configuration's own hooks."""
        settings: Any = await self._configuration.auth_settings()
        return {found["key"]: found["value"] for found in settings.values()}


@asynccontextmanager
async def connect(
    kubeconfig: Path | None, *, context: str | None = None
) -> AsyncIterator[NetworkTransport]:
    """A transport for as long as the context lasts. `kubeconfig` None: this is a pod, use its service account.

    Raises UserError when the configuration cannot be used.
    """
    configuration = await _configuration(kubeconfig, context)
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS_MAX, ssl=RESTClientObject(configuration).ssl_context
    )
    async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
        yield NetworkTransport(session, configuration)


async def _configuration(kubeconfig: Path | None, context: str | None) -> Configuration:
    configuration = Configuration()
    try:
        if kubeconfig is None:
            _KUBERNETES.load_incluster_config(client_configuration=configuration)
        else:
            await _KUBERNETES.load_kube_config(
                config_file=str(kubeconfig),
                context=context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (ConfigException, OSError, ValueError) as error:
        where = kubeconfig or "the pod's service account"
        raise UserError(
            "kubeconfig-invalid",
            f"cannot connect to Kubernetes with {where}",
            hint="check the file with: kubectl config view",
        ) from error
    return configuration


@contextmanager
def _mapped(request: Request) -> Iterator[None]:
    """Foreign errors become ours; the cause is chained."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        what = str(error) or type(error).__name__
        raise Unreachable(f"{request.method} {request.path}: {what}") from error


async def _body(answer: aiohttp.ClientResponse, request: Request) -> bytes:
    parts = []
    size = 0
    async for part in answer.content.iter_chunked(READ_BYTES):
        parts.append(part)
        size += len(part)
        if size > RESPONSE_BYTES_MAX:
            raise Unreachable(
                f"{request.method} {request.path}: the answer is larger than {RESPONSE_BYTES_MAX} bytes"
            )
    return b"".join(parts)


async def _chunks(answer: aiohttp.ClientResponse, request: Request) -> AsyncGenerator[bytes, None]:
    with _mapped(request):
        async for chunk in answer.content.iter_any():
            yield chunk


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
