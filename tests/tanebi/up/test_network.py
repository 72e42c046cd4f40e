from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tanebi.api.core.kinds import POD
from tanebi.base.clock import SystemClock
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.kubelet.podnet import NetworkUnavailable
from tanebi.kubelet.runtime import Enter
from tanebi.testing.network import network_missing, user_namespaces_missing
from tanebi.up.network import NetworkPart, doors, reached_at
from tanebi.up.options import PodNetworks, UpOptions

pytestmark = pytest.mark.anyio


class Nothing:
    """A cluster without Services."""

    def watch(self, kind: Any) -> None:
        return None

    async def wait_synced(self, *kinds: Any) -> None:
        return None

    def subscribe(self, kind: Any, callback: Any) -> None:
        return None

    def raws(self, kind: Any, namespace: Any) -> list[Any]:
        return []

    def get(self, kind: Any, namespace: str, name: str) -> None:
        return None

    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []


async def start(part: NetworkPart, stages: Stages) -> Any:
    cache: Any = Nothing()
    return await part.start(stages, cache, gateway_port=lambda: 8080, api_port=6443)


def part(wanted: PodNetworks, folder: Path) -> NetworkPart:
    return NetworkPart(wanted, DataDir(folder), SystemClock(), host="127.0.0.1", lost=lambda: None)


async def test_the_machines_network_when_that_is_wanted(tmp_path: Path) -> None:
    async with Stages() as stages:
        shared = part("shared", tmp_path)
        assert await start(shared, stages) is None
        assert shared.words == "pods share the machine's network"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param("own", "", marks=network_missing()),
        pytest.param("user", ", in a user namespace", marks=user_namespaces_missing()),
    ],
)
async def test_names_inside_lead_to_the_gateway(
    tmp_path: Path, wanted: PodNetworks, words: str
) -> None:
    async with Stages() as stages:
        own = part(wanted, tmp_path)
        network = await start(own, stages)
        assert own.words.endswith(f"in {network.block}{words}")
        meta = {"name": "p", "namespace": "ns", "uid": "u"}
        place = await network.take(POD.view({"metadata": meta, "spec": {}}))

        def ask(enter: Enter) -> subprocess.Popen[str]:
            argv = enter(["getent", "ahostsv4", "kubernetes.default.svc"], tmp_path)
            return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

        asking = await network.within(place, ask)
        said, _ = await to_thread.run_sync(asking.communicate)
        assert said.split()[0] == str(network.gateway)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_where_the_gateway_is_reached_from_this_machine(host: str, address: str) -> None:
    assert reached_at(host) == IPv4Address(address)


@user_namespaces_missing()
async def test_a_network_that_is_made_when_somebody_asks(tmp_path: Path) -> None:
    cache: Any = Nothing()
    later = NetworkPart(
        "auto",
        DataDir(tmp_path),
        SystemClock(),
        host="127.0.0.1",
        lost=lambda: None,
        folder=tmp_path / "later",
        through=("unshare", "--user", "--map-root-user"),
    )
    async with Stages() as stages:
        await later.start_later(stages, cache, gateway_port=lambda: 8080, api_port=6443)
        assert not (tmp_path / "later").exists()
        assert later.gateway is None
        network = await later.on_demand()
        assert await later.on_demand() is network
        assert later.gateway == (str(network.gateway), 80)
        place = await network.take(POD.view({"metadata": {"name": "p", "uid": "u"}, "spec": {}}))
        assert Path(network.path(place)).exists(), "for other programs of this user to enter"


async def test_a_network_that_cannot_be_is_refused_to_each_who_asks(tmp_path: Path) -> None:
    cache: Any = Nothing()
    later = NetworkPart(
        "auto",
        DataDir(tmp_path),
        SystemClock(),
        host="127.0.0.1",
        lost=lambda: None,
        folder=tmp_path / "later",
        through=("false",),
    )
    async with Stages() as stages:
        await later.start_later(stages, cache, gateway_port=lambda: 8080, api_port=6443)
        for _ in range(2):
            with pytest.raises(NetworkUnavailable):
                await later.on_demand()


def test_the_keepers_that_there_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataDir(tmp_path)
    ordinary = UpOptions(tmp_path, runtime="process")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert len(doors(ordinary, data)) == 1
    assert len(set(doors(replace(ordinary, runtime="auto"), data))) == 2
    assert doors(replace(ordinary, pod_network="shared"), data) == ()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert doors(ordinary, data) == ()
    assert len(doors(replace(ordinary, pod_network="user"), data)) == 1
