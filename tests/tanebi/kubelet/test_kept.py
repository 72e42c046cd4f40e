"""A network for pods made by a keeper in a user namespace, against this machine's kernel."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.base.clock import SystemClock
from tanebi.http import ways
from tanebi.http.ways import Door
from tanebi.kubelet import podnet
from tanebi.kubelet.kept import KeptHands, door_name
from tanebi.kubelet.netlink import TCP, Forwarded
from tanebi.kubelet.podnet import NetworkUnavailable, Place, PodNetwork
from tanebi.kubelet.runtime import Enter
from tanebi.testing.network import user_namespaces_missing
from tanebi.testing.waiting import wait_until

pytestmark = [pytest.mark.anyio, user_namespaces_missing()]

SERVICES = IPv4Network("10.96.0.0/12")
DEADLINE_S = 10.0


def pod(uid: str = "u-1") -> Pod:
    return POD.view({"metadata": {"name": f"pod-{uid}", "namespace": "ns", "uid": uid}, "spec": {}})


class World:
    """The network, and what was lost."""

    def __init__(self, network: PodNetwork, hands: list[KeptHands], lost: anyio.Event) -> None:
        self.network = network
        self.hands = hands[0]
        self.lost = lost

    @property
    def keeper(self) -> int:
        assert self.hands._keeper is not None
        return self.hands._keeper.pid

    async def start(self, place: Place, *argv: str) -> subprocess.Popen[str]:
        def begin(enter: Enter) -> subprocess.Popen[str]:
            command: Sequence[str] = enter(argv, Path("/tmp"))
            return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

        return await self.network.within(place, begin)

    async def run(self, place: Place, script: str) -> list[str]:
        process = await self.start(place, "/bin/sh", "-c", script)
        said, _ = await to_thread.run_sync(process.communicate)
        return said.splitlines()


@asynccontextmanager
async def opened(folder: Path, *served: Forwarded) -> AsyncIterator[World]:
    made: list[KeptHands] = []
    lost = anyio.Event()

    def hands(block: Any) -> KeptHands:
        made.append(KeptHands(block, door=door_name(folder), services=SERVICES, lost=lost.set))
        return made[0]

    async with podnet.opened(
        folder, forwarded=served, clock=SystemClock(), domain="cluster.local", hands=hands
    ) as network:
        yield World(network, made, lost)


@asynccontextmanager
async def a_way(folder: Path) -> AsyncIterator[Door]:
    door = Door(door_name(folder), SystemClock())
    async with anyio.create_task_group() as tasks:
        await tasks.start(door.serve)
        await door.wait_open()
        yield door
        tasks.cancel_scope.cancel()


LISTEN = "import socket, sys; s = socket.create_server((sys.argv[1], 8080)); print(1, flush=True)\n"
ANSWER = "while 1: c, a = s.accept(); c.sendall(a[0].encode()); c.close()"


async def test_a_pod_has_names_and_a_place_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path / "n") as world:
        place = await world.network.take(pod())
        said = await world.run(
            place, "hostname; pwd; cat /etc/resolv.conf /etc/hosts; readlink /proc/self/ns/user"
        )
        assert said[:2] == ["pod-u-1", "/tmp"]
        assert f"nameserver {world.network.gateway}" in said
        assert f"{place.address}\tpod-u-1" in said
        assert said[-1] != os.readlink("/proc/self/ns/user")
        assert socket.gethostname() != "pod-u-1"


async def test_two_pods_with_one_port_are_reached_and_reach_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path / "n") as world, a_way(tmp_path / "n"):
        network = world.network
        one, two = await network.take(pod("u-1")), await network.take(pod("u-2"))
        with pytest.raises(ConnectionRefusedError):
            await ways.open_connection(one.address, 8080)
        programs = [
            await world.start(place, "python3", "-c", LISTEN + ANSWER, host)
            for place, host in ((one, "127.0.0.1"), (two, "0.0.0.0"))
        ]
        try:
            for place, program in zip((one, two), programs, strict=True):
                assert program.stdout is not None
                await to_thread.run_sync(program.stdout.readline)
                reader, writer = await ways.open_connection(place.address, 8080)
                assert await reader.read() == str(network.gateway).encode()
                writer.close()
            read = (
                f"import socket; print(socket.create_connection(('{two.address}', 8080)).recv(99))"
            )
            (said,) = await world.run(one, f'python3 -c "{read}"')
            assert said == repr(one.address.encode())
        finally:
            for program in programs:
                program.kill()
                program.communicate()


async def test_the_gateways_ports_and_the_world_are_reached_by_the_relay(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway, socket.create_server(("", 0)) as world:
        for sock in (gateway, world):
            sock.settimeout(DEADLINE_S)
        to = (IPv4Address("127.0.0.1"), gateway.getsockname()[1])
        async with opened(tmp_path / "n", Forwarded(TCP, 80, to)) as found:
            place = await found.network.take(pod())
            ours = socket.gethostbyname(socket.gethostname())
            aims = [(str(found.network.gateway), 80, gateway)]
            if not ours.startswith("127."):
                aims.append((ours, world.getsockname()[1], world))
            for host, port, server in aims:
                code = f"import socket; print(socket.create_connection(('{host}', {port})).recv(9))"
                program = await found.start(place, "python3", "-c", code)
                served, _ = await to_thread.run_sync(server.accept)
                served.sendall(b"hello")
                served.close()
                said, _ = await to_thread.run_sync(program.communicate)
                assert said == "b'hello'\n"


async def test_a_folder_is_shown_where_the_machine_has_a_place_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "token").write_text("one")
    async with opened(tmp_path / "n") as world:
        if not world.hands.can_show:
            pytest.skip(f"no folder {podnet.MOUNT_PATH}")
        place = await world.network.take(pod())
        world.network.show("u-1", folder)
        said = await world.run(
            place,
            f"cat {podnet.MOUNT_PATH}/token; echo; echo x > {podnet.MOUNT_PATH}/token || echo no",
        )
        assert said == ["one", "no"]


async def test_names_are_asked_and_rules_are_made_by_the_platform(tmp_path: Path) -> None:
    async with opened(tmp_path / "n") as world:
        gateway = str(world.network.gateway)
        assert [sock.getsockname() for sock in world.network.dns] == [(gateway, 53)] * 2
        rules = world.network.rules()
        with pytest.raises(OSError, match="have been taken"):
            world.network.rules()
        rules.close()


async def test_places_that_are_released_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "n") as world:
        place = await world.network.take(pod())
        held = Path(f"/proc/{world.keeper}/fd/{place.inside.net}")
        before = os.readlink(held)
        world.network.release("u-1")
        await wait_until(lambda: not held.exists() or os.readlink(held) != before)


async def test_a_keeper_that_ends_is_missed(tmp_path: Path) -> None:
    async with opened(tmp_path / "n") as world:
        os.kill(world.keeper, signal.SIGKILL)
        with anyio.fail_after(DEADLINE_S):
            await world.lost.wait()
        with pytest.raises(OSError, match=r"ended|Broken pipe"):
            while True:  # those made ahead
                await world.network.take(pod(os.urandom(4).hex()))


async def test_nothing_is_left(tmp_path: Path) -> None:
    files = len(os.listdir("/proc/self/fd"))
    async with opened(tmp_path / "n") as world:
        keeper = world.keeper
        await world.network.take(pod())
        assert not world.lost.is_set()
    assert not Path(f"/proc/{keeper}").exists()
    assert not world.lost.is_set()
    assert len(os.listdir("/proc/self/fd")) <= files


async def test_a_machine_that_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = partial(KeptHands, door="d" * 200, services=SERVICES, lost=lambda: None)
    with pytest.raises(NetworkUnavailable, match="too long"):
        async with podnet.opened(
            tmp_path / "n", forwarded=(), clock=SystemClock(), domain="d", hands=hands
        ):
            pytest.fail("opened")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "defpath", str(tmp_path))
    with pytest.raises(NetworkUnavailable, match="no program nsenter"):
        async with podnet.opened(
            tmp_path / "n", forwarded=(), clock=SystemClock(), domain="d", hands=hands
        ):
            pytest.fail("opened")


def test_a_data_directory_has_a_door_of_its_own(tmp_path: Path) -> None:
    names = {door_name(tmp_path / "a"), door_name(tmp_path / "b"), door_name(tmp_path / "a")}
    assert len(names) == 2
    assert all(len(name) < 100 for name in names)
