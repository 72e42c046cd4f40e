"""Programs written for Kubernetes against the embedded API server, over TLS: an operator written with kopf."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import anyio
import pytest

from tanebi.api.core.kinds import KINDS
from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.clock import SystemClock
from tanebi.base.rng import system_rng
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.definitions.crontabs import CRDS, CRONTABS, crontab, crontabs

pytestmark = pytest.mark.anyio

NAME: Final = "crontabs.stable.example.com"
OPERATOR: Final = """
import kopf

@kopf.on.create("stable.example.com", "v1", "crontabs")
@kopf.on.update("stable.example.com", "v1", "crontabs", field="spec.replicas")
async def follow(spec, patch, body, **_):
    patch.status["replicas"] = spec["replicas"]
    kopf.info(body, reason="Followed", message=f"replicas {spec['replicas']}")

@kopf.on.delete("stable.example.com", "v1", "crontabs")
async def leave(body, **_):
    kopf.info(body, reason="Left", message="bye")
"""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Api, Path]]:
    """A server, and the kubeconfig that leads to it."""
    clock, token = SystemClock(), "a-token-of-some-length"
    store = Store.open(tmp_path / "api.db")
    server = ApiServer(store, KINDS, (), clock=clock, rng=system_rng())
    keys = pki.ensure(tmp_path / "pki", now=clock.wall())
    door = HttpsDoor(server, listen("127.0.0.1", 0), keys, token=token)
    config = tmp_path / "kubeconfig"
    url = f"https://127.0.0.1:{door.port}"
    kubeconfig.write(config, server=url, ca_pem=keys.ca_pem, token=token)
    async with anyio.create_task_group() as group:
        await group.start(server.run)
        await bootstrap(server, ())
        await group.start(door.run)
        yield Api(server, store, clock), config  # type: ignore[arg-type]  # real time, for once
        group.cancel_scope.cancel()
    store.close()


async def reasons(api: Api) -> set[str]:
    found = await api.ok("GET", "/api/v1/namespaces/default/events")
    return {one["reason"] for one in found["items"]}


async def test_an_operator_written_with_kopf(served: tuple[Api, Path], tmp_path: Path) -> None:
    api, config = served
    await api.ok("POST", CRDS, crontabs())
    script = tmp_path / "operator.py"
    script.write_text(OPERATOR)
    command = [sys.executable, "-m", "kopf", "run", "-n", "default", str(script)]
    environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path)}
    async with await anyio.open_process(
        command, env=environment, stdout=None, stderr=None
    ) as operator:
        try:
            await api.ok("POST", CRONTABS, crontab("a", replicas=2))
            await _until_followed(api, 2)
            merge = {"content-type": "application/merge-patch+json"}
            await api.ok("PATCH", f"{CRONTABS}/a", {"spec": {"replicas": 3}}, headers=merge)
            await _until_followed(api, 3)
            await api.ok("DELETE", f"{CRONTABS}/a")
            await wait_until(lambda: api.store.count(NAME) == 0, timeout_s=20)

            async def told() -> bool:
                return await reasons(api) == {"Followed", "Left"}

            await wait_until(told, timeout_s=20)
        finally:
            operator.terminate()


async def _until_followed(api: Api, replicas: int) -> None:
    def followed() -> bool:
        found = api.store.list(NAME)[0].obj
        return bool((found.get("status") or {}).get("replicas") == replicas)

    await wait_until(followed, timeout_s=20)
