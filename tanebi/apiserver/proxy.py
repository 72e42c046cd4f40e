"""The subresource `proxy` of pods and services: HTTP requests to what runs in them, through the API server.

Bodies stream; pages of HTML are read whole, for their links are rewritten. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, urlencode

import anyio

from tanebi.api.core.kinds import ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, labels_of
from tanebi.apiserver import proxying, status
from tanebi.apiserver.paths import Target
from tanebi.apiserver.store import Store
from tanebi.base.log import get_logger
from tanebi.kube.errors import ServiceUnavailable
from tanebi.kube.transport import Request, Response, Stream

if TYPE_CHECKING:
    import httpx

CONNECT_S: Final = 10.0
SILENCE_S: Final = 300.0  # of a peer in the middle of its answer
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
CONNECTIONS_MAX: Final = 64
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ProxyDoor:
    """Close with `aclose`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client: httpx.AsyncClient | None = None
        self._log = get_logger("apiserver.proxy")

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def handle(self, request: Request, kind: AnyKind, target: Target) -> Response | Stream:
        """Raises ApiError."""
        import httpx

        if request.method not in METHODS:
            raise status.wrong_method()
        place = self._place(kind, target)
        query = f"?{urlencode(request.query)}" if request.query else ""
        if not target.below:
            return Response(301, {"location": f"{request.path}/{query}"}, b"")
        prefix = request.path[: -len(target.below)]
        asked = self._ready().build_request(
            request.method,
            httpx.URL(f"{place.origin}{quote(target.below, safe='/%:@!$&()*+,;=~')}{query}"),
            headers=proxying.request_headers(request.headers, prefix=request.path),
            content=request.body or None,
        )
        try:
            answer = await self._ready().send(asked, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise ServiceUnavailable(
                f"error trying to reach {kind.singular}: dial {place.host}:{place.port}: {why}"
            ) from error
        headers = proxying.answer_headers(answer.headers.items(), place, prefix)
        if request.method != "HEAD" and "text/html" in headers.get("content-type", ""):
            page = await _page(answer)
            if page is not None:
                headers.pop("content-length", None)
                return Response(answer.status_code, headers, proxying.rewritten(page, prefix))
            raise ServiceUnavailable(f"the page is longer than {PAGE_BYTES_MAX} bytes")
        if request.method == "HEAD":
            await answer.aclose()
            return Response(answer.status_code, headers, b"")
        return Stream(answer.status_code, headers, _Body(answer))

    def _place(self, kind: AnyKind, target: Target) -> proxying.Place:
        named = proxying.read_name(target.name)
        namespace = target.namespace or ""
        entry = self._store.get(kind.resource, Key(namespace, named.name))
        if entry is None:
            raise status.not_found(kind, named.name)
        if kind is POD:
            return proxying.pod_place(named, entry.obj)
        if kind is not SERVICE:
            raise ServiceUnavailable(
                "this node has no kubelet with a port of its own: its pods are reached at pods/NAME/proxy"
            )
        slices = [
            found.obj
            for found in self._store.list(ENDPOINT_SLICE.resource, namespace)
            if labels_of(found.obj).get("kubernetes.io/service-name") == named.name
        ]
        return proxying.service_place(named, entry.obj, slices)

    def _ready(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0)
            timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S, pool=CONNECT_S)
            # Whom a name in a path means is known; certificates of pods are their own, as for Kubernetes' proxy.
            self._client = httpx.AsyncClient(
                verify=False, limits=limits, timeout=timeout, trust_env=False
            )
        return self._client


async def _page(answer: httpx.Response) -> bytes | None:
    """None when it is too long."""
    found = bytearray()
    try:
        async for chunk in answer.aiter_raw():
            found += chunk
            if len(found) > PAGE_BYTES_MAX:
                return None
    finally:
        await answer.aclose()
    return bytes(found)


class _Body:
    """The body as it comes. Whoever has it calls `aclose` at the end."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self._chunks: AsyncIterator[bytes] = answer.aiter_raw()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._answer.aclose()
