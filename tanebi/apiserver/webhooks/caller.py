"""How a webhook is reached: HTTPS to a URL, or to an endpoint of one of our Services; one question, one answer.

Every call has a deadline and every answer a size. Callers: tanebi.apiserver.webhooks.hooks.
"""

from __future__ import annotations

import base64
import ssl
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from tanebi.api.core.kinds import ENDPOINT_SLICE, SERVICE
from tanebi.api.meta import Key, Obj, labels_of
from tanebi.apiserver.store import Store

if TYPE_CHECKING:  # at run time it is imported by the first call, for few platforms have webhooks
    import httpx

ANSWER_BYTES_MAX: Final = 3 * 1024 * 1024
CLIENTS_MAX: Final = 32
CONNECTIONS_MAX: Final = 64
CONNECTIONS_KEPT: Final = 16


class CallFailed(Exception):
    """There was no answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call. `url` is what errors say; `host` and `port` are where the connection goes, if that is elsewhere."""

    url: str
    host: str = ""
    port: int = 0


def place_of(config: Obj, store: Store) -> Place:
    """Raises CallFailed when a Service has nobody to answer."""
    if url := config.get("url"):
        return Place(str(url))
    service = config["service"]
    namespace, name = str(service["namespace"]), str(service["name"])
    port = int(service.get("port") or 443)
    path = "/" + str(service.get("path") or "").removeprefix("/")
    url = f"https://{name}.{namespace}.svc:{port}{path}"
    host, target = _endpoint(store, namespace, name, port)
    return Place(url, host, target)


def _endpoint(store: Store, namespace: str, name: str, port: int) -> tuple[str, int]:
    entry = store.get(SERVICE.resource, Key(namespace, name))
    if entry is None:
        raise CallFailed(f'service "{name}" not found')
    ports: list[Obj] = (entry.obj.get("spec") or {}).get("ports") or []
    named = next((p for p in ports if p.get("port") == port), None)
    if named is None:
        raise CallFailed(f'no service port {port} found for service "{name}"')
    for found in store.list(ENDPOINT_SLICE.resource, namespace):
        if labels_of(found.obj).get("kubernetes.io/service-name") != name:
            continue
        wanted = named.get("name") or ""
        here = [p for p in found.obj.get("ports") or () if (p.get("name") or "") == wanted]
        for endpoint in found.obj.get("endpoints") or ():
            ready = (endpoint.get("conditions") or {}).get("ready") is not False
            if here and ready and endpoint.get("addresses"):
                return str(endpoint["addresses"][0]), int(here[0]["port"])
    raise CallFailed(f'no endpoints available for service "{name}"')


class Caller:
    """Keeps a client, and so its connections, for each bundle of certificates. Close with `aclose`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clients: OrderedDict[str, httpx.AsyncClient] = OrderedDict()

    async def ask(self, config: Obj, body: bytes, timeout_s: int) -> bytes:
        """Raises CallFailed."""
        import httpx

        place = place_of(config, self._store)
        shown = f'Post "{place.url}?timeout={timeout_s}s"'
        try:
            client = await self._client(str(config.get("caBundle") or ""))
            with anyio.fail_after(timeout_s):
                return await _post(client, place, body, timeout_s)
        except TimeoutError as error:
            raise CallFailed(f"{shown}: context deadline exceeded") from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise CallFailed(f"{shown}: {error or type(error).__name__}") from error

    async def _client(self, bundle: str) -> httpx.AsyncClient:
        import httpx

        found = self._clients.get(bundle)
        if found is None:
            verify: Any = True
            if bundle:
                verify = ssl.create_default_context(cadata=base64.b64decode(bundle).decode())
            limits = httpx.Limits(
                max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_KEPT
            )
            found = httpx.AsyncClient(verify=verify, limits=limits, trust_env=False, timeout=None)
            self._clients[bundle] = found
        self._clients.move_to_end(bundle)
        if len(self._clients) > CLIENTS_MAX:
            _, oldest = self._clients.popitem(last=False)
            await oldest.aclose()
        return found

    async def aclose(self) -> None:
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()


async def _post(client: httpx.AsyncClient, place: Place, body: bytes, timeout_s: int) -> bytes:
    import httpx

    url = httpx.URL(place.url).copy_merge_params({"timeout": f"{timeout_s}s"})
    headers = {"content-type": "application/json", "accept": "application/json"}
    extensions: dict[str, Any] = {}
    if place.host:
        headers["host"] = f"{url.host}:{url.port or 443}"
        extensions["sni_hostname"] = url.host
        url = url.copy_with(host=place.host, port=place.port)
    request = client.build_request(
        "POST", url, content=body, headers=headers, extensions=extensions
    )
    response = await client.send(request, stream=True)
    try:
        answer = bytearray()
        async for chunk in response.aiter_bytes():
            answer += chunk
            if len(answer) > ANSWER_BYTES_MAX:
                raise ValueError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
    finally:
        await response.aclose()
    if response.status_code >= 300:
        text = bytes(answer[:200]).decode("utf-8", "replace")
        raise ValueError(f"the server answered with status {response.status_code}: {text}")
    return bytes(answer)
