"""Makes Services' addresses, node ports and pods' host ports work for whoever connects from a pod or from this machine.

The kernel does the work, by rules that follow Services and slices within QUIET_S; they end with the socket that made them, so a
killed platform leaves none. What the rules say: tanebi.kubelet.balancing. Made by tanebi.up, where pods have a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import IPv4Network
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskStatus

from tanebi.api.core.kinds import ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.meta import Obj, labels_of
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache
from tanebi.kubelet import netlink
from tanebi.kubelet.balancing import balanced
from tanebi.kubelet.namespaces import Conversation
from tanebi.kubelet.netlink import Balanced

QUIET_S: Final = 0.02
AGAIN_S: Final = 10.0
BATCH_BYTES: Final = 16 * 1024 * 1024

_log = get_logger("network")


def _of_this_machine() -> Conversation:
    return Conversation(netlink.NETLINK_NETFILTER)


class ServiceProxy:
    """Inert until `run`. `routed(labels)`: whether a Service is the data plane's, which needs no address here.
    `rules` opens the conversation with the kernel in whose network Services are to have addresses."""

    def __init__(
        self,
        cache: Cache,
        *,
        table: str,
        services: IPv4Network,
        clock: Clock,
        routed: Callable[[Mapping[str, str]], bool],
        rules: Callable[[], Conversation] = _of_this_machine,
    ) -> None:
        self._cache = cache
        self._table = table
        self._services = services
        self._clock = clock
        self._routed = routed
        self._rules = rules
        self._changed = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started when the rules stand. Raises OSError where there is no nf_tables."""
        for kind in (SERVICE, ENDPOINT_SLICE, POD):
            self._cache.watch(kind)
        rules = self._rules()
        try:
            rules.widen(BATCH_BYTES)
            rules.do(netlink.service_table(self._table, self._services))
            await self._cache.wait_synced(SERVICE, ENDPOINT_SLICE, POD)
            for kind in (SERVICE, ENDPOINT_SLICE):
                self._cache.subscribe(kind, self._on_service)
            self._cache.subscribe(POD, self._on_pod)
            await self._follow(rules, task_status)
        finally:
            rules.close()

    async def _follow(self, rules: Conversation, task_status: TaskStatus[None]) -> None:
        said: tuple[Balanced, ...] | None = None
        started = False
        while True:
            self._changed = anyio.Event()
            found = self._wanted()
            if found != said:
                try:
                    await to_thread.run_sync(
                        partial(rules.do, netlink.service_rules(self._table, self._services, found))
                    )
                    said = found
                except OSError as error:
                    _log.warning("services not reachable by address", why=str(error))
                    await self._clock.sleep(AGAIN_S)
                    continue
            if not started:
                started = True
                task_status.started()
            await self._changed.wait()
            await self._clock.sleep(QUIET_S)

    def _wanted(self) -> tuple[Balanced, ...]:
        services = self._cache.list(SERVICE, None)
        slices = self._cache.list(ENDPOINT_SLICE, None)
        pods = [obj for obj in self._cache.raws(POD, None) if _has_host_ports(obj)]
        return balanced(
            [one for one in services if not self._routed(one.metadata.labels)],
            [one for one in slices if not self._routed(one.metadata.labels)],
            [POD.view(obj) for obj in pods],
        )

    def _on_service(self, old: Obj | None, new: Obj | None) -> None:
        if not self._routed(labels_of(new or old or {"metadata": {}})):
            self._changed.set()

    def _on_pod(self, old: Obj | None, new: Obj | None) -> None:
        if _has_host_ports(new or old or {}):
            self._changed.set()


def _has_host_ports(pod: Obj) -> bool:
    spec = pod.get("spec") or {}
    return any(
        port.get("hostPort")
        for containers in (spec.get("containers"), spec.get("initContainers"))
        for container in containers or ()
        for port in container.get("ports") or ()
    )
