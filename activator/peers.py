"""The door for other activators: requests whose revision they have chosen, because the pods are ours.

The headers are Knative's (reference/knative-serving.md §3.4): Knative-Serving-Namespace and Knative-Serving-Revision. What the
first activator has added for the app stays as it is. A scrape of /metrics is answered here too. Caller: activator.gateway.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from activator.carriage import Surroundings
from activator.forward import PROXY_REQUEST, hops_of
from activator.router import Router
from tanebi.api.meta import Key
from tanebi.base import metrics
from tanebi.http.headers import FORWARDED
from tanebi.http.messages import header
from tanebi.http.sides import ClientStream

HOPS_MAX: Final = 4  # more than any change of hands takes


class PeerDoor:
    """Implements tanebi.http.sides.Application."""

    def __init__(self, router: Router, around: Surroundings, registry: CollectorRegistry) -> None:
        self._router = router
        self._around = around
        self._registry = registry

    def begin(self, request: ClientStream) -> None:
        namespace = header(request.headers, b"knative-serving-namespace")
        name = header(request.headers, b"knative-serving-revision")
        if namespace is None or name is None:
            self._answer_own(request)
            return
        backend = self._router.revisions.get(
            Key(namespace.decode("latin-1"), name.decode("latin-1"))
        )
        if backend is None:
            request.respond_text(404, "no such revision here")
            return
        if hops_of(request.headers) > HOPS_MAX:
            request.respond_text(503, "the request was handed from activator to activator")
            return
        request.seen &= ~FORWARDED
        request.connection.forwarded_for = (request.host, PROXY_REQUEST)
        around = self._around
        exchange = around.exchange(request, backend, around, b"", b"", around.now())
        request.sink = exchange
        exchange.begin()

    def _answer_own(self, request: ClientStream) -> None:
        if request.method == b"GET" and request.target == b"/metrics":
            content_type, body = metrics.exposition(self._registry)
            request.respond(200, ((b"Content-Type", content_type.encode()),), body)
        else:
            request.respond_text(404, "this port is for other activators, and for GET /metrics")
