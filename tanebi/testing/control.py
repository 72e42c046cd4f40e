"""The real API server in a test: a store in a file, the embedded transport, and a cache when one is wanted.

The embedded server is the fake that we do not write. For tests in this process; tanebi.testing.platform drives a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tanebi.api.core.kinds import KINDS, NAMESPACE
from tanebi.api.kind import AnyKind, ConfigKind
from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.history import CHANGES_MAX
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.clock import Clock, SystemClock
from tanebi.base.rng import Rng, system_rng
from tanebi.kube.client import Kube
from tanebi.kube.embedded import EmbeddedTransport
from tanebi.kube.errors import AlreadyExists
from tanebi.kube.transport import Transport

NS = "default"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """`tasks` ends with the test. `kube` is a client of the server; `transport` is what it goes by."""

    server: ApiServer
    transport: Transport
    kube: Kube
    clock: Clock
    rng: Rng
    tasks: TaskGroup


@asynccontextmanager
async def control_plane(
    path: Path,
    *,
    kinds: Iterable[AnyKind] = (),
    configs: Iterable[ConfigKind[Any]] = (),
    clock: Clock | None = None,
    namespaces: Iterable[str] = (NS,),
    changes_max: int = CHANGES_MAX,
) -> AsyncIterator[ControlPlane]:
    """A server with the core kinds and `kinds`, and with `namespaces`. `changes_max` bounds what a watch can resume from."""
    clock = clock or SystemClock()
    rng = system_rng(1)
    store = Store.open(path / "api.db", changes_max=changes_max)
    try:
        server = ApiServer(store, (*KINDS, *kinds), configs, clock=clock, rng=rng)
        transport = EmbeddedTransport(server, user=CONTROLLER)
        kube = Kube(transport, field_manager="test")
        async with anyio.create_task_group() as tasks:
            await tasks.start(server.run)
            for name in namespaces:
                await _ensure_namespace(kube, name)
            yield ControlPlane(server, transport, kube, clock, rng, tasks)
            tasks.cancel_scope.cancel()
    finally:
        store.close()


async def _ensure_namespace(kube: Kube, name: str) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    try:
        await kube.create(NAMESPACE, namespace)
    except AlreadyExists:
        return


@asynccontextmanager
async def https_door(control: ControlPlane, folder: Path) -> AsyncIterator[Path]:
    """The same server over HTTPS on a free port of loopback; gives the path of a kubeconfig for it."""
    sock = listen("127.0.0.1", 0)
    names = pki.ensure(folder / "pki", now=control.clock.wall(), extra_names=("127.0.0.1",))
    token = kubeconfig.ensure_token(folder / "pki")
    door = HttpsDoor(control.server, sock, names, token=token)
    path = folder / "kubeconfig"
    async with anyio.create_task_group() as tasks:
        await tasks.start(door.run)
        url = f"https://127.0.0.1:{door.port}"
        kubeconfig.write(path, server=url, ca_pem=names.ca_pem, token=token)
        yield path
        tasks.cancel_scope.cancel()
