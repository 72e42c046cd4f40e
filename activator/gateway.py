"""The front door: every request comes in here and leaves for a revision, a Service, or a handler in the process.

`Gateway` owns the listening server, the router and the connections to pods. What the cluster looks like is told by
activator.feed; how one request is carried is activator.proxy's. The way of a request: `begin` -> health? -> route -> handler,
or backend and Exchange. Nothing on that way waits before the autoscaler has been poked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import anyio
from anyio.abc import TaskStatus
from prometheus_client import CollectorRegistry

from activator.backend import Backend, Hooks
from activator.certificates import Certificates
from activator.logged import LoggedExchange
from activator.metrics import BackendCollector, observe_cold_start
from activator.peers import PeerDoor
from activator.prober import Prober
from activator.proxy import Exchange, Surroundings
from activator.questions import Questions
from activator.reporter import Reporter
from activator.requestlog import RequestLog
from activator.router import Router
from activator.times import Times
from activator.trace import TraceParents
from activator.whole import WholeRequest
from autoscaler.api.stat import StatSink
from autoscaler.api.wake import Wake
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.base.metrics import REGISTRY
from tanebi.base.rng import Rng
from tanebi.http.headers import KNATIVE_PROBE, KUBE_PROBE, PROBE, normal_host
from tanebi.http.messages import HttpHandler
from tanebi.http.podstreams import PodWays
from tanebi.http.pool import Address
from tanebi.http.server import HttpServer, ServerLimits
from tanebi.http.sides import ClientStream
from tanebi.http.upstream import Upstreams

log = get_logger("gateway")

EXPIRE_EVERY_S: Final = 1.0
HTTPS_PORT: Final = 443
_PROBES: Final = KNATIVE_PROBE | KUBE_PROBE | PROBE
NO_ROUTE_HINT: Final = (
    "The gateway serves <service>.<namespace>.<domain> and <service>.<namespace>.svc.cluster.local; "
    "`tanebi get ksvc` lists the services."
)


class Gateway:
    """Inert until `run`. Implements tanebi.http.sides.Application."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        clock: Clock,
        rng: Rng,
        sink: StatSink,
        limits: ServerLimits | None = None,
        cluster_domain: str = "cluster.local",
        sock: socket.socket | None = None,
        peer_host: str | None = None,
        divided: bool = False,
        registry: CollectorRegistry = REGISTRY,
        tls: tuple[int, Certificates] | None = None,
        inside: Callable[[str], bool] | None = None,
    ) -> None:
        """`sock`: a listening socket to serve instead of `host` and `port`. `peer_host`: listen there too, at a free port, for
        what other activators send on. `divided`: see Router. `tls`: the port beside `port` where clients begin with a handshake,
        0 for any free one, and what is shown to them. `inside`: whether who connects to this address of ours is a client inside
        the cluster, for whom cluster-local hosts are; without it everybody is."""
        self.clock = clock
        self._registry = registry
        self._inside = inside
        self.upstreams = Upstreams(clock)
        self.prober = Prober(clock)
        self.listed: Callable[[Backend], None] = _nobody_minds
        self.released: Callable[[Backend, Address], None] = _nobody_minds
        self.woken: Callable[[Wake], None] = _nobody_minds
        ways = self.ways = PodWays(clock, self.upstreams)
        hooks = Hooks(
            self._poke,
            self.prober.probe,
            ways.forget,
            speaks_h2=ways.speaks_h2,
            listed=lambda backend: self.listed(backend),
            released=lambda backend, address: self.released(backend, address),
        )
        self.router = Router(hooks, rng, cluster_domain=cluster_domain, divided=divided)
        self._reporter = Reporter(self.router.backends, sink, clock)
        self._servers = [
            HttpServer(self, host=host, port=port, clock=clock, limits=limits, sock=sock)
        ]
        self._tls: HttpServer | None = None
        if tls is not None:
            at, shown = tls
            shown.known = lambda name: self.router.route(name.encode()) is not None
            self._tls = HttpServer(
                self, host=host, port=at, clock=clock, limits=limits, tls=shown.context
            )
            self._servers.append(self._tls)
        self._around = Surroundings(
            clock,
            ways,
            spawn=self.spawn,
            trace=TraceParents(rng).line,
            woke=self._woke,
            exchange=Exchange,
        )
        self._questions = Questions(self.router, self._around, self._is_outside)
        if peer_host is not None:
            door = PeerDoor(self.router, self._around, registry)
            self._servers.append(
                HttpServer(door, host=peer_host, port=0, clock=clock, limits=limits)
            )
        self._listening = False
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; with port 0 the real port is known once `run` has started."""
        return self._servers[0].address

    @property
    def tls_port(self) -> int | None:
        """Where https is served, once it listens; None: nowhere."""
        return self._tls.address[1] if self._tls is not None else None

    @property
    def peer_address(self) -> tuple[str, int]:
        """Where other activators reach this one, once it listens."""
        return self._servers[-1].address

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def mount(self, hosts: Iterable[str], handler: HttpHandler) -> None:
        """Requests for `hosts` are answered by `handler`, in the process. `localhost` stands for every bare IP address too."""
        self.router.mount(hosts, handler)

    def log_requests(self, log: RequestLog | None) -> None:
        """From now on requests of revisions are written to `log`; None: nowhere. Those under way end as they began."""
        around = self._around
        before, around.log = around.log, log
        around.exchange = Exchange if log is None else LoggedExchange
        if before is not None:
            before.flush()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a child of `run`. asyncio's group, not anyio's: starting a task is on the path of each event (a fifth
        of the price)."""
        assert self._tasks is not None, "not running"
        return self._tasks.create_task(_alone(work))

    def begin(self, request: ClientStream) -> None:
        """A request's head is here. See tanebi.http.sides.Application."""
        if request.seen & _PROBES:
            self._questions.answer(request)
            return
        around = self._around
        arrived = around.now()
        route = self.router.route(request.host)
        if route is None or (route.local and self._is_outside(request)):
            host = normal_host(request.host)
            request.respond_text(404, f'no service answers to the host "{host}"\n{NO_ROUTE_HINT}')
        elif route.handler is not None:
            whole = WholeRequest(request, route.handler, self.spawn)
            request.sink = whole
            whole.begin()
        elif route.redirect and self._is_redirected(request):
            return
        else:
            hit = route.hit or self.router.choose(route, request.target, request.headers)
            if hit is None:
                host = normal_host(request.host)
                request.respond_text(404, f'no revision serves this path at the host "{host}"')
                return
            carry = around.exchange  # apart from the call: so it is read from its slot at once
            exchange = carry(request, hit.backend, around, hit.host, hit.lines, arrived)
            request.sink = exchange
            exchange.begin()

    def _is_outside(self, request: ClientStream) -> bool:
        return self._inside is not None and not self._inside(request.connection.reached_at)

    def _is_redirected(self, request: ClientStream) -> bool:
        """To the same place by https, if it is served and this is not it (`http-protocol: Redirected` of config-network)."""
        served_at = self.tls_port or self.router.https_port
        if served_at is None or request.connection.scheme == b"https":
            return False
        port = b"" if served_at == HTTPS_PORT else b":%d" % served_at
        where = b"https://" + normal_host(request.host).encode() + port + request.target
        request.respond(301, ((b"Location", where),), b"")
        return True

    def _woke(self, backend: Backend, times: Times) -> None:
        observe_cold_start(backend, times)
        now = self.clock.now()
        asked_at = now - times.total_s
        granted_at = asked_at + times.route_s + times.waited_s
        wake = Wake(backend.key, asked_at, times.route_s, granted_at, backend.probe_s, now)
        self.woken(wake)

    def _poke(self, revision: Any) -> None:
        self._reporter.poke(revision)

    async def listen(self) -> None:
        """Take the ports, but no connection yet. Raises UserError when one cannot be had."""
        if not self._listening:
            for server in self._servers:
                await server.listen()
            self._listening = True

    async def drain(self) -> None:
        """Take no more connections, and let the requests under way end while everything they need still runs."""
        async with anyio.create_task_group() as tasks:
            for server in self._servers:
                tasks.start_soon(server.drain)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises UserError when the port cannot be had."""
        await self.listen()
        collector = BackendCollector(self.router.revisions.values)
        self._registry.register(collector)
        try:
            async with asyncio.TaskGroup() as self._tasks, anyio.create_task_group() as parts:
                await parts.start(self.prober.run)
                await parts.start(self._reporter.run)
                parts.start_soon(self._expire)
                for server in self._servers:
                    await parts.start(server.run)
                task_status.started()
        finally:
            self._registry.unregister(collector)
            self.log_requests(None)
            self.ways.close()

    async def _expire(self) -> None:
        while True:
            await self.clock.sleep(EXPIRE_EVERY_S)
            self.ways.expire(self.clock.now())


def _nobody_minds(*_: object) -> None:
    """What a gateway without others tells nobody."""


async def _alone(work: Coroutine[Any, Any, None]) -> None:
    """A bug in one request must not end the others."""
    try:
        await work
    except Exception:
        log.exception("request failed")
