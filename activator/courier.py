"""Sends whole requests wherever a URL leads: into the process, to a service here, or anywhere else.

Implements tanebi.http.messages.Sender. A mounted host (a broker) is answered by its handler without a socket; a revision's host
waits for room first, so that a backlog is scaling demand and a sleeping service is woken once, not stormed (DESIGN §3.6); a
plain Service's host goes to one of its endpoints; any other URL is dialled as it is.
Callers: eventing's delivery, importers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, Final

from activator.capacity import GatewayCapacity
from activator.forward import peer_headers
from activator.requestlog import RequestLog, of_parts
from activator.router import ANY_ADDRESS, Hit, Route, Router, is_address
from tanebi.base.clock import Clock
from tanebi.http.client import HttpClient, Origin, parse_url
from tanebi.http.errors import ConnectFailed, ExchangeTimeout, ResponseTooLarge
from tanebi.http.headers import normal_host
from tanebi.http.messages import Headers, HttpHandler, HttpRequest, HttpResponse
from tanebi.http.podstreams import PodWays
from tanebi.http.upstream import Upstreams

CONNECT_ATTEMPTS_MAX: Final = 3
ROUTE_WAIT_S: Final = 5.0


class Courier:
    """One per role; safe for any number of concurrent sends."""

    def __init__(
        self,
        router: Router,
        clock: Clock,
        *,
        upstreams: Upstreams | None = None,
        own_port: Callable[[], int] | None = None,
        ways: PodWays | None = None,
    ) -> None:
        """`own_port`: where the gateway listens. Without it, no bare address is ours."""
        self._router = router
        self._clock = clock
        self._own_port = own_port
        self._client = HttpClient(clock, upstreams, ways=ways)
        self._capacity = GatewayCapacity(router, clock)
        self.log: RequestLog | None = None  # where deliveries to revisions leave a line

    def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> Coroutine[Any, Any, HttpResponse]:
        """See tanebi.http.messages.Sender. Raises ValueError for a URL that is none."""
        origin = parse_url(url)
        if self._leads_here(origin):
            return self._send_here(
                origin, method, url, headers, body, wait_s, timeout_s, response_max
            )
        return self._client.request(
            method, url, headers, body, timeout_s=timeout_s, response_max=response_max
        )

    async def _send_here(
        self,
        origin: Origin,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        """To what the router knows; a name that it does not know is dialled."""
        deadline = self._clock.now() + wait_s
        hit = await self._destination(origin, headers, wait_s)
        if isinstance(hit, Route):
            assert hit.handler is not None
            request = HttpRequest(
                method, normal_host(origin.host), origin.target.decode("latin-1"), headers, body
            )
            return await _answer_here(hit.handler, request, timeout_s, response_max)
        if hit is None:
            return await self._client.request(
                method, url, headers, body, timeout_s=timeout_s, response_max=response_max
            )
        for attempt in range(1, CONNECT_ATTEMPTS_MAX + 1):
            left_s = max(0.0, deadline - self._clock.now())
            try:
                return await self._to_pod(
                    hit, method, url, headers, body, left_s, timeout_s, response_max
                )
            except ConnectFailed:
                if attempt == CONNECT_ATTEMPTS_MAX:
                    raise
        raise AssertionError("unreachable")

    def _lookup(self, origin: Origin, headers: Headers) -> Route | Hit | None:
        route = self._router.route(origin.host)
        if route is None or route.handler is not None:
            return route
        return self._router.choose(route, origin.target, headers)

    async def _destination(
        self, origin: Origin, headers: Headers, wait_s: float
    ) -> Route | Hit | None:
        """A handler's route or a hit; None: not ours.

        A cluster-local name may be younger than the route that will lead there: an address is published with the object, and the
        gateway learns of it a moment later. So it is waited for, and never asked of the machine's resolver.
        """
        found = self._lookup(origin, headers)
        if found is not None or not self._router.is_cluster_local(origin.host):
            return found
        changed = asyncio.Event()
        with self._router.listening(changed.set):
            try:
                async with asyncio.timeout(min(wait_s, ROUTE_WAIT_S)):
                    while (found := self._lookup(origin, headers)) is None:
                        changed.clear()
                        await changed.wait()
            except TimeoutError as error:
                text = f"no service here answers to {normal_host(origin.host)}"
                raise ConnectFailed("no-such-service", text) from error
        return found

    def _leads_here(self, origin: Origin) -> bool:
        """A name that we know is ours at any port; `localhost` and bare addresses are, at the port of the gateway."""
        if origin.tls:
            return False
        if not _is_bare(origin.host):
            return True
        return self._own_port is not None and origin.address[1] == self._own_port()

    async def _to_pod(
        self,
        hit: Hit,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        began = self._clock.now()
        slot = await self._capacity.acquire_at(hit, wait_s=wait_s)
        address = slot.address
        if hit.host:
            headers = [*headers, (b"Host", hit.host)]
        by_peer = slot.is_peer
        if by_peer:
            headers = [*headers, *peer_headers(slot.revision, headers)]
        try:
            answer = await self._client.request(
                method,
                url,
                headers,
                body,
                timeout_s=timeout_s,
                response_max=response_max,
                address=address,
            )
        except ConnectFailed:
            hit.backend.distrust(address)
            raise
        finally:
            slot.release()
        log = self.log
        if log is not None and hit.backend.metered and not by_peer:
            origin = parse_url(url)
            log.write(
                of_parts(
                    hit.backend,
                    address,
                    method.encode(),
                    origin.target,
                    hit.host or origin.host,
                    headers,
                    proto="HTTP/1.1",
                    remote="",
                    length=len(body),
                    code=answer.status,
                    size=len(answer.body),
                    latency_s=self._clock.now() - began,
                )
            )
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()


@lru_cache(maxsize=1024)
def _is_bare(host: bytes) -> bool:
    """`localhost` or an address: a host that belongs to whoever listens at the port."""
    name = normal_host(host)
    return name == ANY_ADDRESS or is_address(name)


async def _answer_here(
    handler: HttpHandler, request: HttpRequest, timeout_s: float, response_max: int
) -> HttpResponse:
    if len(request.body) > handler.body_max:
        text = f"the body exceeds the limit of {handler.body_max} bytes\n"
        return HttpResponse(413, ((b"Content-Type", b"text/plain"),), text.encode())
    try:
        async with asyncio.timeout(timeout_s):
            response = await handler.handle(request)
    except TimeoutError as error:
        text = f"no answer from {request.host} in {timeout_s:g} s"
        raise ExchangeTimeout("exchange-timeout", text) from error
    if len(response.body) > response_max:
        text = f"the answer exceeds {response_max} bytes"
        raise ResponseTooLarge("response-too-large", text)
    return response
