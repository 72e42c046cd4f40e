"""Places in the engine: made ahead, named when taken, with the names of the cluster inside."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.base.clock import SystemClock
from tanebi.kubelet import podnet
from tanebi.kubelet.engine import connect, places
from tanebi.kubelet.engine.pods import EnginePods
from tanebi.kubelet.engine.role import build, platform_name
from tanebi.kubelet.engine.spec import PLATFORM_LABEL
from tanebi.kubelet.logs import LogStore
from tanebi.testing.engine import (
    IMAGE,
    busybox_image,
    containers_of,
    engine_missing,
    without_docker,
)
from tanebi.testing.network import network_missing
from tanebi.testing.waiting import wait_until

pytestmark = [pytest.mark.anyio, network_missing()]

DEADLINE_S = 30.0
LOOK = "hostname; cat /etc/resolv.conf; cat /etc/hosts; echo $HOSTNAME"


class NoConfig:
    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def get(self, kind: Any, namespace: str, name: str) -> None:
        return None


@asynccontextmanager
async def running(
    folder: Path, env: Mapping[str, str]
) -> AsyncIterator[tuple[EnginePods, LogStore, str]]:
    found = connect.find(env)
    assert found is not None
    clock, logs = SystemClock(), LogStore(folder / "logs", clock=SystemClock())
    async with podnet.opened(
        folder / "network", forwarded=[], clock=clock, domain="cluster.local"
    ) as network:
        role = build(
            found,
            NoConfig(),  # type: ignore[arg-type]
            folder=folder / "pods",
            logs=logs,
            environ=env,
            clock=clock,
            local_url=str,
            network=network,
        )
        async with anyio.create_task_group() as tasks:
            await tasks.start(role.pods.run)
            await busybox_image(await role.pods.connect())
            yield role.pods, logs, str(network.gateway)
            await role.pods.clean_all()
            tasks.cancel_scope.cancel()


def pod(uid: str, **env: str) -> Pod:
    own = {
        "name": "main",
        "image": IMAGE,
        "command": ["/bin/sh", "-c", LOOK],
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    meta = {"name": f"pod-{uid}", "namespace": "ns", "uid": uid}
    return POD.view({"metadata": meta, "spec": {"containers": [own]}})


def left(folder: Path, env: Mapping[str, str]) -> list[str]:
    return containers_of(env, f"{PLATFORM_LABEL}={platform_name(folder / 'pods')}")


def ahead(env: Mapping[str, str]) -> int:
    """Docker's containers copy the name that a place was made with: none is made before the pod is known."""
    return 0 if "DOCKER_HOST" in env else places.AHEAD


@engine_missing()
async def test_places_wait_for_the_first_pod_of_an_image_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "REFILL_S", 0.0)
    engine_environment = without_docker(os.environ)
    async with running(tmp_path, engine_environment) as (pods, _, _):
        assert pods.images.lookup("dev.local/nowhere") is None
        assert pods.images.lookup(IMAGE) is None, "it is being found out"
        await wait_until(lambda: pods.waiting == places.AHEAD, DEADLINE_S)


async def test_a_pod_made_new_and_one_in_a_place_that_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_environment: Mapping[str, str]
) -> None:
    monkeypatch.setattr(places, "REFILL_S", 0.0)
    async with running(tmp_path, engine_environment) as (pods, logs, gateway):
        for uid, env in (("u-1", {"HOSTNAME": "given"}), ("u-2", {})):
            own = pod(uid, **env)
            sandbox = await pods.prepare(own)
            started = await pods.start(own, own.spec.containers[0], 0, sandbox)
            with anyio.fail_after(DEADLINE_S):
                await started.running.wait()
            text = logs.path("ns", f"pod-{uid}", "main", 0).read_text()
            said = [line.split(" ", 3)[3] for line in text.splitlines()]
            assert said[0] == f"pod-{uid}"
            assert said[-1] == env.get("HOSTNAME", f"pod-{uid}")
            assert f"nameserver {gateway}" in said
            assert any(line.startswith("search ns.svc.cluster.local") for line in said)
            assert any(line.split() == [sandbox.address, f"pod-{uid}"] for line in said) or any(
                line.startswith(sandbox.address) and f"pod-{uid}" in line for line in said
            )
            await wait_until(lambda: pods.waiting == ahead(engine_environment), DEADLINE_S)
            await pods.clean(uid)
    assert left(tmp_path, engine_environment) == []


async def test_a_network_that_was_pruned_is_made_again(
    tmp_path: Path, engine_environment: Mapping[str, str]
) -> None:
    async with running(tmp_path, engine_environment) as (pods, _, _):
        client = await pods.connect()
        await pods.prepare(pod("u-1"))
        await pods.clean("u-1")
        others = await client.containers({PLATFORM_LABEL: ""})
        if not others:
            await client.remove_network(places.NETWORK)
        assert (await pods.prepare(pod("u-2"))).address
        await pods.clean("u-2")


async def test_what_others_have_joined_to_the_bridge_is_seen(tmp_path: Path) -> None:
    (tmp_path / "bridge0/brif/veth1").mkdir(parents=True)
    (tmp_path / "bridge1/brif").mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    found = {name: places._ports_of(name, tmp_path) for name in ("bridge0", "bridge1", "eth0", "")}
    assert found == {"bridge0": ["veth1"], "bridge1": [], "eth0": [], "": []}
