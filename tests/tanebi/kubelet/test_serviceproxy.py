"""Services' addresses between two pods, through this machine's kernel."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
from pathlib import Path

import anyio
import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet import podnet
from tanebi.kubelet.podnet import PodNetwork
from tanebi.kubelet.serviceproxy import ServiceProxy
from tanebi.testing.network import network_missing
from tanebi.testing.waiting import wait_until

pytestmark = [pytest.mark.anyio, network_missing()]
DEADLINE_S = 10.0
# Documentation's own addresses: no other platform on this machine gives these.
SERVICES = IPv4Network("198.51.100.0/24")
ADDRESS = f"198.51.100.{os.getpid() % 250 + 1}"
NODE_PORT = 40000 + os.getpid() % 20000


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[PodNetwork]:
    async with podnet.opened(
        tmp_path / "network", forwarded=[], clock=SystemClock(), domain="cluster.local"
    ) as opened:
        yield opened


class World:
    """The cache of a cluster with one Service; `ready` says who is behind it."""

    def __init__(self) -> None:
        self.ready: list[str] = []
        self._tell: list[object] = []

    def watch(self, kind: object) -> None:
        return None

    async def wait_synced(self, *kinds: object) -> None:
        return None

    def subscribe(self, kind: object, callback: object) -> None:
        self._tell.append(callback)

    def changed(self) -> None:
        for callback in self._tell:
            callback(None, {"metadata": {"labels": {}}})  # type: ignore[operator]

    def list(self, kind: object, namespace: None) -> list[object]:
        meta = {"name": "web", "namespace": "ns"}
        if kind is SERVICE:
            port = {"port": 80, "nodePort": NODE_PORT}
            spec = {"clusterIP": ADDRESS, "type": "NodePort", "ports": [port]}
            return [SERVICE.view({"metadata": meta, "spec": spec})]
        labels = {"kubernetes.io/service-name": "web"}
        return [
            ENDPOINT_SLICE.view(
                {
                    "metadata": {**meta, "labels": labels},
                    "ports": [{"name": "", "port": 8080}],
                    "endpoints": [{"addresses": [ip]} for ip in self.ready],
                }
            )
        ]

    def raws(self, kind: object, namespace: None) -> list[Obj]:
        return []


async def test_an_address_leads_to_the_pods(network: PodNetwork) -> None:
    world = World()
    proxy = ServiceProxy(
        world,  # type: ignore[arg-type]
        table=f"tanebi-test-{os.getpid()}",
        services=SERVICES,
        clock=SystemClock(),
        routed=lambda labels: "mine" in labels,
    )
    places = [await network.take(pod(str(i))) for i in range(3)]

    def connect(address: str, port: int) -> bytes:
        with socket.create_connection((address, port), DEADLINE_S) as client:
            return client.recv(10)

    async with anyio.create_task_group() as tasks:
        await tasks.start(proxy.run)
        with pytest.raises(ConnectionRefusedError):
            await network.within(places[0], lambda _: connect(ADDRESS, 80))
        for place in places:
            tasks.start_soon(serve, network, place, place.address.encode()[-10:])
        world.ready = [place.address for place in places]
        world.changed()

        async def from_pod() -> bytes:
            try:
                return await network.within(places[0], lambda _: connect(ADDRESS, 80))
            except ConnectionRefusedError:
                return b""

        seen: set[bytes] = set()

        async def all_seen() -> bool:
            seen.add(await from_pod())
            return len(seen - {b""}) == 3

        await wait_until(all_seen)
        gateway = str(network.gateway)
        for address, port in ((ADDRESS, 80), ("127.0.0.1", NODE_PORT), (gateway, NODE_PORT)):
            assert await anyio.to_thread.run_sync(connect, address, port) in seen, address
        assert await network.within(places[0], lambda _: connect(gateway, NODE_PORT)) in seen
        tasks.cancel_scope.cancel()


def pod(uid: str) -> Pod:
    return POD.view({"metadata": {"name": uid, "namespace": "ns", "uid": uid}})


async def serve(network: PodNetwork, place: podnet.Place, name: bytes) -> None:
    """A program in a pod that says who it is."""
    sock = await network.within(place, lambda _: socket.create_server(("0.0.0.0", 8080)))

    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(name)

    sock.setblocking(False)
    async with await anyio.abc.SocketListener.from_socket(sock) as listener:
        await listener.serve(answer)
