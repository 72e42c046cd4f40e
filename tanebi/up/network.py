"""The network of the pods that run as processes, and the names in it. Caller: tanebi.up.pods."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus

from serving.api.names import CLUSTER_DOMAIN, GATEWAY_HOST
from tanebi.apiserver.addresses import NETWORK
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.http.ways import Door
from tanebi.kube.cache import Cache
from tanebi.kubelet import podnet
from tanebi.kubelet.dns import World
from tanebi.kubelet.dnsserver import PORT as DNS_PORT
from tanebi.kubelet.dnsserver import DnsServer
from tanebi.kubelet.dnsworld import world_of
from tanebi.kubelet.kept import KeptHands, door_name
from tanebi.kubelet.netlink import TCP, UDP, Forwarded
from tanebi.kubelet.podnet import NetworkUnavailable, PodNetwork
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.resolvconf import machine_servers
from tanebi.kubelet.serviceproxy import ServiceProxy
from tanebi.up.options import PodNetworks, UpOptions

SUPERUSER: Final = 0
HTTP_PORT: Final = 80
API_PORT: Final = 443
API_HOST: Final = f"kubernetes.default.svc.{CLUSTER_DOMAIN}"
BROKER_HOST: Final = f"broker-ingress.knative-eventing.svc.{CLUSTER_DOMAIN}"
ROUTED: Final = ("serving.knative.dev/", "networking.internal.knative.dev/")
LOOPBACK: Final = IPv4Address("127.0.0.1")
_RESOLV: Final = Path("/etc/resolv.conf")

_log = get_logger("network")


class NetworkPart:
    """Inert until `start`. `host` is where the platform listens; the ports are asked for then."""

    def __init__(
        self,
        wanted: PodNetworks,
        data: DataDir,
        clock: Clock,
        *,
        host: str,
        lost: Callable[[], None],
        folder: Path | None = None,
        through: Sequence[str] = (),
    ) -> None:
        """`lost`: what to do when pods have lost their network, which nothing brings back to them. `folder`: where its state is,
        if not in the usual place. `through`: a program that runs the keeper in a user namespace of somebody else.
        """
        self._wanted = wanted
        self._data = data
        self._clock = clock
        self._host = host
        self._lost = lost
        self._folder = folder or data.network
        self._through = through
        self._kept = bool(through) or in_user_namespace(wanted)
        self._asked = anyio.Event()
        self._settled = anyio.Event()
        self._network: PodNetwork | None = None
        self._refused = ""
        self._routed: Callable[[Mapping[str, str]], bool] = lambda labels: True

    @property
    def words(self) -> str:
        if self._network is not None:
            where = ", in a user namespace" if self._kept else ""
            return f"a network of its own for each pod in {self._network.block}{where}"
        return "pods share the machine's network" + (f" ({self._refused})" if self._refused else "")

    @property
    def target(self) -> IPv4Address:
        """Where this machine reaches what the platform listens at."""
        return reached_at(self._host)

    @property
    def gateway(self) -> tuple[str, int] | None:
        """Where pods with a network of their own reach the gateway."""
        return (str(self._network.gateway), HTTP_PORT) if self._network is not None else None

    @property
    def node_address(self) -> str:
        return self._network.node_address if self._network is not None else POD_IP

    async def start(
        self,
        stages: Stages,
        cache: Cache,
        *,
        gateway_port: Callable[[], int],
        api_port: int,
    ) -> PodNetwork | None:
        """The network, or None where pods are to share the machine's. Raises UserError when one is demanded in vain."""
        if self._wanted == "shared":
            return None
        self._cache = cache
        self._ports = ((HTTP_PORT, gateway_port()), (API_PORT, api_port))
        await stages.start(self._run)
        if self._network is None and self._wanted != "auto":
            raise UserError(
                "pod-network-unavailable",
                f"pods cannot have a network of their own: {self._refused}",
                hint="it takes nf_tables, and root or user namespaces; --pod-network shared does without",
            )
        return self._network

    async def start_later(
        self,
        stages: Stages,
        cache: Cache,
        *,
        gateway_port: Callable[[], int],
        api_port: int,
    ) -> None:
        """Nothing is made before somebody asks (`on_demand`)."""
        self._cache = cache
        self._ports = ((HTTP_PORT, gateway_port()), (API_PORT, api_port))
        await stages.start(self._run_when_asked)

    async def on_demand(self) -> PodNetwork:
        """Raises NetworkUnavailable."""
        self._asked.set()
        await self._settled.wait()
        if self._network is None:
            raise NetworkUnavailable("no-pod-network", self._refused)
        return self._network

    async def _run_when_asked(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await self._asked.wait()
        async with anyio.create_task_group() as tasks:
            await tasks.start(self._run)
            self._settled.set()

    async def _run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        try:
            await self._hold(task_status)
        except NetworkUnavailable as error:
            self._refused = error.message
            task_status.started()

    async def _hold(self, task_status: TaskStatus[None]) -> None:
        servers = machine_servers(_RESOLV.read_text()) if _RESOLV.exists() else []
        names = DnsServer(self._world, servers)
        served = [Forwarded(TCP, port, (self.target, real)) for port, real in self._ports]
        if self._kept:
            await self._hold_kept(names, served, task_status)
        else:
            await self._hold_own(names, served, task_status)

    async def _hold_kept(
        self, names: DnsServer, served: Sequence[Forwarded], task_status: TaskStatus[None]
    ) -> None:
        """Not root: a keeper makes the network, and sockets in it."""
        door = door_name(self._folder)
        way, hands = (
            Door(door, self._clock),
            partial(KeptHands, door=door, services=NETWORK, lost=self._lost, through=self._through),
        )
        async with podnet.opened(
            self._folder,
            forwarded=served,
            clock=self._clock,
            domain=CLUSTER_DOMAIN,
            hands=hands,
        ) as self._network:
            async with names.listening(*self._network.dns), anyio.create_task_group() as tasks:
                await tasks.start(way.serve)
                await way.wait_open()
                await self._serve(self._network, tasks, task_status)

    async def _hold_own(
        self, names: DnsServer, served: Sequence[Forwarded], task_status: TaskStatus[None]
    ) -> None:
        async with names.listening() as dns:
            forwarded = [
                *served,
                Forwarded(TCP, DNS_PORT, (LOOPBACK, dns.tcp_port)),
                Forwarded(UDP, DNS_PORT, (LOOPBACK, dns.udp_port)),
            ]
            async with podnet.opened(
                self._folder,
                forwarded=forwarded,
                clock=self._clock,
                domain=CLUSTER_DOMAIN,
            ) as self._network:
                async with anyio.create_task_group() as tasks:
                    await self._serve(self._network, tasks, task_status)

    async def _serve(
        self, network: PodNetwork, tasks: TaskGroup, task_status: TaskStatus[None]
    ) -> None:
        try:
            await tasks.start(self._services(network).run)
            self._routed = is_routed
        except OSError as error:
            _log.warning("Services have no address that works", why=str(error))
        task_status.started()
        await anyio.sleep_forever()

    def _services(self, network: PodNetwork) -> ServiceProxy:
        return ServiceProxy(
            self._cache,
            table=f"tanebi-services-{int(network.block[0]):x}",
            services=NETWORK,
            clock=self._clock,
            routed=is_routed,
            rules=network.rules,
        )

    def _world(self) -> World:
        assert self._network is not None
        return world_of(
            self._cache,
            domain=CLUSTER_DOMAIN,
            gateway=str(self._network.gateway),
            fixed=(GATEWAY_HOST, BROKER_HOST, API_HOST),
            routed=self._routed,
        )


def is_routed(labels: Mapping[str, str]) -> bool:
    """Whether a Service of these labels is one of a route or a revision."""
    return any(name.startswith(ROUTED) for name in labels)


def doors(options: UpOptions, data: DataDir) -> tuple[str, ...]:
    """The names of the keepers that there may be."""
    if not in_user_namespace(options.pod_network):
        return ()
    kept = [data.network, *([data.engine_network] if options.runtime != "process" else [])]
    return tuple(map(door_name, kept))


def in_user_namespace(wanted: PodNetworks) -> bool:
    """Whether pods' networks, if they get any, are made in a user namespace."""
    return wanted == "user" or (wanted != "shared" and os.geteuid() != SUPERUSER)


def reached_at(host: str) -> IPv4Address:
    """Where this machine finds what listens at `host`: loopback, unless that is an address of one interface."""
    try:
        found = IPv4Address(host)
    except ValueError:  # a name, or IPv6
        return LOOPBACK
    return LOOPBACK if found.is_unspecified else found
