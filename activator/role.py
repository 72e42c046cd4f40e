"""The data plane as one part: everything of this package, put together.

tanebi.up makes one, hands its reconciler to the engine, its courier, capacity and drain to eventing and the kubelet, and runs
it. Nothing is served before the cluster has been seen, so that a restart refuses nobody for want of knowledge.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from activator.api.ingress import Ingress
from activator.capacity import GatewayCapacity
from activator.certificates import Certificates
from activator.courier import Courier
from activator.drain import GatewayDrain
from activator.feed import KINDS, Feed, Subscribable
from activator.gateway import Gateway
from activator.reconcile.ingress import IngressReconciler
from activator.requestlog import HandOn, RequestLog
from autoscaler.api.stat import StatSink
from serving.api.request_template import Template
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng
from tanebi.http.server import ServerLimits


class Observed(Subscribable, Protocol):
    """What of tanebi.kube.cache.Cache is needed here."""

    async def wait_synced(self, *kinds: AnyKind) -> None: ...


class Activator:
    """Inert until `run`; the parts may be handed out before."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        cache: Observed,
        sink: StatSink,
        clock: Clock,
        rng: Rng,
        limits: ServerLimits | None = None,
        sock: socket.socket | None = None,
        peer_host: str | None = None,
        divided: bool = False,
        public_port: Callable[[], int] | None = None,
        tls: tuple[int, Certificates] | None = None,
        inside: Callable[[str], bool] | None = None,
    ) -> None:
        """`public_port`: where clients find the platform, when that is not this gateway. The rest: see Gateway."""
        self._cache = cache
        self.gateway = Gateway(
            host,
            port,
            clock=clock,
            rng=rng,
            sink=sink,
            limits=limits,
            sock=sock,
            peer_host=peer_host,
            divided=divided,
            tls=tls,
            inside=inside,
        )
        router = self.gateway.router
        self.public_port = public_port or (lambda: self.gateway.address[1])
        self.capacity = GatewayCapacity(router, clock)
        self.courier = Courier(
            router,
            clock,
            upstreams=self.gateway.upstreams,
            own_port=self.public_port,
            ways=self.gateway.ways,
        )
        self.drain = GatewayDrain(router)
        self.others_hold: Callable[[Key, str, int], bool] = lambda *_: True
        self.ingress_reconciler = IngressReconciler(self._holds)
        Feed(router, tls[1] if tls is not None else None).subscribe(cache)

    def _holds(self, ingress: Ingress) -> bool:
        meta = ingress.metadata
        ours = self.gateway.router.table.holds(ingress)
        return ours and self.others_hold(meta.key, meta.uid, meta.generation)

    def log_requests(self, template: str, *, probes: bool, hand_on: HandOn) -> None:
        """Each request of a revision leaves a line by `template` (serving.api.request_template); empty: none does."""
        log = None
        if template:
            log = RequestLog(Template(template), probes=probes, hand_on=hand_on)
        self.gateway.log_requests(log)
        self.courier.log = log

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. The cache must be running. Raises UserError when the port cannot be had."""
        await self._cache.wait_synced(*KINDS)
        await self.gateway.run(task_status=task_status)
