"""The data plane as one part: everything of this package, put together.

tanebi.up makes one, hands its reconciler to the engine, its courier, capacity and drain to eventing and the kubelet, and runs
it. Nothing is listened on before the cluster has been seen, so that a restart refuses nobody for want of knowledge.
"""

from __future__ import annotations

from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from activator.capacity import GatewayCapacity
from activator.courier import Courier
from activator.drain import GatewayDrain
from activator.feed import KINDS, Feed, Subscribable
from activator.gateway import Gateway
from activator.reconcile.ingress import IngressReconciler
from autoscaler.api.stat import StatSink
from tanebi.api.kind import AnyKind
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
    ) -> None:
        self._cache = cache
        self.gateway = Gateway(host, port, clock=clock, rng=rng, sink=sink, limits=limits)
        router = self.gateway.router
        self.capacity = GatewayCapacity(router, clock)
        self.courier = Courier(
            router,
            clock,
            upstreams=self.gateway.upstreams,
            own_port=lambda: self.gateway.address[1],
        )
        self.drain = GatewayDrain(router)
        self.ingress_reconciler = IngressReconciler(lambda: router.table)
        Feed(router).subscribe(cache)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. The cache must be running. Raises UserError when the port cannot be had."""
        await self._cache.wait_synced(*KINDS)
        await self.gateway.run(task_status=task_status)
