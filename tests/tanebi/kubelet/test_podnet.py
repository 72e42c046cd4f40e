"""A pod's network against this machine's kernel: every packet stays on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.base.clock import SystemClock
from tanebi.kubelet import namespaces, podnet
from tanebi.kubelet.netlink import TCP, Forwarded
from tanebi.kubelet.podnet import NetworkUnavailable, PodNetwork
from tanebi.kubelet.tokens import MOUNT_PATH
from tanebi.testing.network import network_missing
from tanebi.testing.waiting import wait_until

pytestmark = [pytest.mark.anyio, network_missing()]

DEADLINE_S = 10.0


def pod(uid: str = "u-1", **spec: Any) -> Pod:
    meta = {"name": f"pod-{uid}", "namespace": "ns", "uid": uid}
    return POD.view({"metadata": meta, "spec": spec})


def listener(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    sock = socket.create_server((host, port))
    sock.settimeout(DEADLINE_S)
    return sock


@pytest.fixture
async def host() -> AsyncIterator[socket.socket]:
    """What the gateway's port 80 stands for."""
    with listener() as sock:
        yield sock


@pytest.fixture
async def network(tmp_path: Path, host: socket.socket) -> AsyncIterator[PodNetwork]:
    forwarded = [Forwarded(TCP, 80, (IPv4Address("127.0.0.1"), host.getsockname()[1]))]
    async with podnet.opened(
        tmp_path / "network", forwarded=forwarded, clock=SystemClock(), domain="cluster.local"
    ) as opened:
        yield opened


def lines_of(network: PodNetwork) -> list[str]:
    number = int(network.block[0]) >> 10 & 0xFFF
    return [name for _, name in socket.if_nameindex() if name.startswith(f"tnb{number:x}x")]


async def test_a_pod_has_names_of_its_own(network: PodNetwork) -> None:
    place = await network.take(pod())
    assert await network.take(pod()) is place, "asked again"
    assert IPv4Address(place.address) in network.block

    def look() -> tuple[str, str, str]:
        files = (Path("/etc/resolv.conf").read_text(), Path("/etc/hosts").read_text())
        return (socket.gethostname(), *files)

    name, resolv, hosts = await network.within(place, lambda _: look())
    assert name == "pod-u-1"
    assert f"nameserver {network.gateway}" in resolv
    assert "search ns.svc.cluster.local" in resolv
    assert f"{place.address}\tpod-u-1" in hosts


async def test_a_folder_where_clients_look_for_a_service_account(
    network: PodNetwork, tmp_path: Path
) -> None:
    folder, here = tmp_path / "shown", Path(MOUNT_PATH)
    folder.mkdir()
    (folder / "token").write_text("one")
    place, other = await network.take(pod("u-1")), await network.take(pod("u-2"))
    for _ in range(2):
        network.show("u-1", folder)
        assert await network.within(place, lambda _: (here / "token").read_text()) == "one"
    (folder / "token").write_text("two")
    assert await network.within(place, lambda _: (here / "token").read_text()) == "two"
    with pytest.raises(OSError, match="Read-only"):
        await network.within(place, lambda _: (here / "token").write_text("mine"))
    network.show("u-3", folder)
    assert not await network.within(other, lambda _: (here / "token").exists())
    assert not (here / "token").exists()


@pytest.mark.parametrize("host_name", ["127.0.0.1", "0.0.0.0", "own"])
async def test_wherever_a_program_listens_its_pods_address_reaches_it(
    network: PodNetwork, host_name: str
) -> None:
    place = await network.take(pod())
    at = place.address if host_name == "own" else host_name
    with await network.within(place, lambda _: listener(at, 8080)) as sock:
        with socket.create_connection((place.address, 8080), DEADLINE_S) as client:
            served, peer = sock.accept()
            assert peer[0] == str(network.gateway)
            served.sendall(b"hello")
            assert client.recv(5) == b"hello"
            served.close()


async def test_a_port_that_nobody_listens_at_is_refused(network: PodNetwork) -> None:
    place = await network.take(pod())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.address, 8080), DEADLINE_S)


async def test_two_pods_have_the_same_port_and_reach_each_other(network: PodNetwork) -> None:
    first, second = await network.take(pod("u-1")), await network.take(pod("u-2"))
    with (
        await network.within(first, lambda _: listener("0.0.0.0", 8080)) as one,
        await network.within(second, lambda _: listener("0.0.0.0", 8080)),
    ):
        with await network.within(
            second, lambda _: socket.create_connection((first.address, 8080), DEADLINE_S)
        ):
            served, peer = one.accept()
            assert peer[0] == second.address
            served.close()


async def test_the_gateways_address_leads_to_the_platform(
    network: PodNetwork, host: socket.socket
) -> None:
    place = await network.take(pod())
    with await network.within(
        place, lambda _: socket.create_connection((str(network.gateway), 80), DEADLINE_S)
    ):
        served, peer = host.accept()
        assert peer[0] == place.address
        served.close()


async def test_what_listens_on_the_machines_loopback_only_is_not_a_pods(
    network: PodNetwork, host: socket.socket
) -> None:
    place = await network.take(pod())
    port = host.getsockname()[1]
    for address in ("127.0.0.1", str(network.gateway)):
        with pytest.raises(ConnectionRefusedError):
            await network.within(
                place, lambda _, at=address: socket.create_connection((at, port), DEADLINE_S)
            )


async def test_places_wait_and_what_is_released_goes(network: PodNetwork) -> None:
    await wait_until(lambda: len(lines_of(network)) == 1 + podnet.AHEAD, DEADLINE_S)
    before = lines_of(network)
    place = await network.take(pod())
    line = f"{int(IPv4Address(place.address)) - int(network.block[0]):x}"
    assert any(name.endswith(f"x{line}") for name in before), "it had been made ahead"
    network.release("u-1")
    network.release("u-1")
    await wait_until(
        lambda: not any(name.endswith(f"x{line}") for name in lines_of(network)), DEADLINE_S
    )
    assert network.place("u-1") is None


async def test_two_platforms_share_a_machine_and_leave_nothing(tmp_path: Path) -> None:
    opened = [
        podnet.opened(tmp_path / name, forwarded=[], clock=SystemClock(), domain="cluster.local")
        for name in ("a", "b")
    ]
    async with opened[0] as first, opened[1] as second:
        assert not first.block.overlaps(second.block)
        taken = (await first.take(pod())).address
    for network in (first, second):
        await wait_until(lambda n=network: lines_of(n) == [], DEADLINE_S)
    again = podnet.opened(tmp_path / "a", forwarded=[], clock=SystemClock(), domain="cluster.local")
    async with again as network:
        if network.block == first.block:
            assert (await network.take(pod())).address != taken, "a freed address rests"


async def test_a_machine_that_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    files = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(namespaces, "call", refuse)
    with pytest.raises(NetworkUnavailable, match="not permitted"):
        async with podnet.opened(
            tmp_path / "n", forwarded=[], clock=SystemClock(), domain="cluster.local"
        ):
            await anyio.lowlevel.checkpoint()
    assert len(os.listdir("/proc/self/fd")) <= files + 1
