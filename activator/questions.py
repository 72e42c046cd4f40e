"""What probers ask the gateway, and what it answers.

Health checks are told by their User-Agent, probes of the data path by their header. What Knative's activator and queue-proxy
answer one behind the other is answered here at once (reference/knative-serving.md §2.1, §3.4; the hash: knative/networking
pkg/http/probe).
Caller: activator.gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from activator.proxy import Exchange, Surroundings
from activator.requestlog import of_stream
from activator.router import Hit, Router
from tanebi.http.headers import KNATIVE_PROBE, KUBE_PROBE, MEANING, PROBE, block
from tanebi.http.messages import Headers, header
from tanebi.http.sides import ClientStream

ACTIVATOR: Final = b"activator"
QUEUE: Final = b"queue"
WAY: Final = b"probe"  # whether the way is as an Ingress says
HASH: Final = b"K-Network-Hash"
ANY_HASH: Final = b"override"


class Questions:
    """`is_outside`: whether a request comes from outside of the cluster."""

    def __init__(
        self, router: Router, around: Surroundings, is_outside: Callable[[ClientStream], bool]
    ) -> None:
        self._router = router
        self._around = around
        self._is_outside = is_outside

    def answer(self, request: ClientStream) -> None:
        """`request` bears a prober's User-Agent or header."""
        value = next((v for n, v in request.headers if MEANING[n] & PROBE), b"")
        prober = request.seen & (KNATIVE_PROBE | KUBE_PROBE)
        hit = self._hit_of(request)  # once: traffic may be split
        if value == ACTIVATOR:
            self._respond(request, hit, 200, (), value)
        elif value == WAY:
            self._answer_for_way(request, hit)
        elif value == QUEUE and prober:
            self._answer_for_queue(request, hit)
        elif prober & KUBE_PROBE and not request.seen & PROBE:
            self._respond(request, hit, 200, (), b"")
        else:
            text = f"unexpected probe header value: {value.decode('latin-1')}"
            self._refuse(request, hit, 400, text)

    def _answer_for_way(self, request: ClientStream, hit: Hit | None) -> None:
        """A network layer asks its own way so, to see which version of an Ingress is in effect. A revision is answered for, as
        by Knative's activator; any other Service is asked."""
        if hit is None:
            request.respond_text(404, "no Ingress leads there")
            return
        asked = header(request.headers, HASH.lower()) or b""
        version = hit.version if asked == ANY_HASH else asked
        answer = ((HASH, version),)
        if not hit.backend.metered:
            lines = hit.lines + block(answer)
            exchange = Exchange(
                request, hit.backend, self._around, hit.host, lines, self._around.now()
            )
            request.sink = exchange
            exchange.begin()
        elif version:
            self._respond(request, hit, 200, answer, b"")
        else:
            text = "a probe request must contain a non-empty K-Network-Hash"
            self._refuse(request, hit, 400, text)

    def _hit_of(self, request: ClientStream) -> Hit | None:
        """Which Service a question of a prober is about."""
        route = self._router.route(request.host)
        if route is None or route.handler is not None:
            return None
        if route.local and self._is_outside(request):
            return None
        return self._router.choose(route, request.target, request.headers)

    def _answer_for_queue(self, request: ClientStream, hit: Hit | None) -> None:
        """Whether a pod of the revision would take a request now."""
        if hit is not None and hit.backend.throttler.targets:
            self._respond(request, hit, 200, (), QUEUE)
        else:
            self._refuse(request, hit, 503, "queue not ready")

    def _respond(
        self, request: ClientStream, hit: Hit | None, status: int, headers: Headers, body: bytes
    ) -> None:
        remote = request.connection.came_from
        request.respond(status, headers, body)
        self._log(request, hit, remote, status, len(body))

    def _refuse(self, request: ClientStream, hit: Hit | None, status: int, text: str) -> None:
        remote = request.connection.came_from
        request.respond_text(status, text)
        self._log(request, hit, remote, status, len(text) + 1)

    def _log(
        self, request: ClientStream, hit: Hit | None, remote: str, code: int, size: int
    ) -> None:
        """An answer given for a revision, if such are logged: as one of the pod that has taken requests for longest."""
        log = self._around.log
        if log is None or not log.probes or hit is None or not hit.backend.metered:
            return
        backend = hit.backend
        address = next((t.address for t in backend.throttler.targets if not t.peer), None)
        log.write(
            of_stream(request, backend, address, remote=remote, code=code, size=size, latency_s=0.0)
        )
