"""A small platform: the embedded API server, the cache, the engine with our two reconcilers, and a kubelet."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE, EVENT, KINDS, NAMESPACE, POD
from tanebi.api.core.kinds_cluster import NODE as NODE_KIND
from tanebi.api.core.kinds_workload import REPLICA_SET, REPLICATION_CONTROLLER
from tanebi.api.meta import Obj
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.clock import SystemClock
from tanebi.base.rng import system_rng
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.embedded import EmbeddedTransport
from tanebi.kube.engine import Engine
from tanebi.kube.errors import NotFound
from tanebi.kubelet.binding import BindingReconciler
from tanebi.kubelet.deployments import DeploymentReconciler
from tanebi.kubelet.drain import Drain, NoDrain
from tanebi.kubelet.endpoints import EndpointReconciler
from tanebi.kubelet.images import ImageStore, ImageWatch
from tanebi.kubelet.kubelet import Kubelet
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.process import ProcessRuntime
from tanebi.kubelet.processpods import ProcessPods
from tanebi.kubelet.replicasets import ReplicaReconciler
from tanebi.kubelet.tokens import PodTokens

NODE = "here"
IMAGE = "dev.local/app"

SERVER = """
import http.server, os, signal, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path != "/bad" else 500)
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *args): pass
signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))
print("listening on", os.environ["PORT"], flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"""


@dataclass
class Platform:
    folder: Path
    kube: Kube
    cache: Cache
    images: ImageStore
    logs: LogStore

    def build(
        self, text: str = SERVER, *, tag: str = IMAGE, command: str = "python app.py"
    ) -> None:
        """An image whose program is `text`."""
        source = self.folder / "source"
        source.mkdir(exist_ok=True)
        (source / "app.py").write_text(text)
        self.images.build(source, tag, command=command.split(), progress=lambda line: None)

    async def pod(self, name: str = "p", ns: str = "default") -> Obj | None:
        try:
            return await self.kube.get(POD, ns, name)
        except NotFound:
            return None

    async def status(self, name: str = "p") -> Obj:
        found = await self.pod(name)
        return (found or {}).get("status") or {}

    async def container(self, name: str = "p") -> Obj:
        statuses = (await self.status(name)).get("containerStatuses") or [{}]
        found: Obj = statuses[0]
        return found

    async def is_ready(self, name: str = "p") -> bool:
        conditions = (await self.status(name)).get("conditions") or ()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    async def pods(self) -> list[Obj]:
        return (await self.kube.list(POD, "default")).items

    async def slices(self) -> list[Obj]:
        return (await self.kube.list(ENDPOINT_SLICE, "default")).items

    async def events(self, reason: str) -> list[str]:
        items = (await self.kube.list(EVENT, "default")).items
        return [event["message"] for event in items if event["reason"] == reason]

    def output(self, pod: str = "p", container: str = "main", attempt: int = 0) -> str:
        path = self.logs.path("default", pod, container, attempt)
        return path.read_text() if path.exists() else ""


def make_pod(name: str = "p", *, image: str = IMAGE, **container: Any) -> Obj:
    spec = container.pop("spec", {})
    labels = container.pop("labels", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {
            "nodeName": NODE,
            "terminationGracePeriodSeconds": 5,
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "ports": [{"containerPort": 8080}],
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    **container,
                }
            ],
            **spec,
        },
    }


TCP_PROBE: Obj = {"tcpSocket": {"port": 8080}}


@asynccontextmanager
async def running(
    folder: Path,
    *,
    drain: Drain | None = None,
    local_url: Callable[[str], str] = str,
    tokens: PodTokens | None = None,
) -> AsyncIterator[Platform]:
    """A platform on `folder`; leaving the context ends it as Ctrl-C would."""
    clock, rng = SystemClock(), system_rng(7)
    logs = LogStore(folder / "logs", clock=clock)
    store = Store.open(folder / "api.db")
    server = ApiServer(store, KINDS, (), clock=clock, rng=rng, logs=logs)
    kube = Kube(EmbeddedTransport(server, user=CONTROLLER), field_manager="test")
    cache = Cache(kube, clock)
    configs = LiveConfigs(cache, ())
    engine = Engine(kube, cache, configs, clock, rng)
    engine.add(EndpointReconciler())
    engine.add(DeploymentReconciler(NODE))
    engine.add(ReplicaReconciler(NODE, REPLICA_SET))
    engine.add(ReplicaReconciler(NODE, REPLICATION_CONTROLLER))
    engine.add(BindingReconciler(NODE))
    images = ImageStore(folder / "images", clock=clock)
    watch = ImageWatch(images, clock)
    kubelet = Kubelet(
        kube,
        cache,
        pods=ProcessPods(
            cache,
            images=images,
            runtime=ProcessRuntime(folder / "pods", clock=clock),
            logs=logs,
            folder=folder / "pods",
            path=os.environ["PATH"],
            local_url=local_url,
            tokens=tokens,
        ),
        tokens=tokens,
        image_watch=watch,
        logs=logs,
        drain=drain or NoDrain(),
        recorder=engine.recorder,
        clock=clock,
        folder=folder / "pods",
        node=NODE,
        stop_grace_s=2.0,
    )
    try:
        async with anyio.create_task_group() as outer:
            await outer.start(server.run)
            async with anyio.create_task_group() as tasks:
                await tasks.start(cache.run)
                if not store.list(NAMESPACE.resource):
                    await kube.create(NAMESPACE, {"metadata": {"name": "default"}})
                    await kube.create(NODE_KIND, {"metadata": {"name": NODE}})
                for component in (watch.run, engine.run, kubelet.run):
                    await tasks.start(component)
                yield Platform(folder, kube, cache, images, logs)
                tasks.cancel_scope.cancel()
            outer.cancel_scope.cancel()
    finally:
        store.close()


@pytest.fixture
async def platform(tmp_path: Path, anyio_backend: Any) -> AsyncIterator[Platform]:
    async with running(tmp_path) as found:
        yield found
