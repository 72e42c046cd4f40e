"""The whole role over a cluster of objects."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from activator.api.ingress import INGRESS
from activator.role import Activator
from serving.api import REVISION
from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.kind import AnyKind
from tanebi.base.clock import SystemClock
from tanebi.http.server import ServerLimits
from tanebi.testing.http import answering, connect, ok, serving
from tanebi.testing.world import StandingConfigs, World

pytestmark = pytest.mark.anyio


class Cache(World):
    """A world that is in sync when it says so."""

    def __init__(self) -> None:
        super().__init__()
        self.synced = anyio.Event()

    async def wait_synced(self, *kinds: AnyKind) -> None:
        await self.synced.wait()


async def test_from_objects_to_an_answer(sink: Any) -> None:
    cache = Cache()
    activator = Activator(
        "127.0.0.1",
        0,
        cache=cache,
        sink=sink,
        clock=SystemClock(),
        rng=random.Random(1),
        limits=ServerLimits(drain_s=0.1),
    )
    meta = {"namespace": "default", "generation": 1, "uid": "u"}
    split = {"serviceName": "hello-00001", "percent": 100}
    rule = {"hosts": ["hello.default.localhost"], "http": {"paths": [{"splits": [split]}]}}
    ingress_class = {
        "networking.knative.dev/ingress-class": "tanebi.ingress.networking.knative.dev"
    }
    named = {**meta, "name": "hello", "annotations": ingress_class}
    cache.put(INGRESS, {"metadata": named, "spec": {"rules": [rule]}})
    cache.put(
        REVISION,
        {
            "metadata": {**meta, "name": "hello-00001"},
            "spec": {"containers": [{"image": "x"}], "containerConcurrency": 2},
        },
    )
    async with (
        anyio.create_task_group() as tasks,
        serving(answering(lambda head, body: ok(b"hi"))) as app,
    ):
        cache.synced.set()
        await tasks.start(activator.run)
        client = await connect(activator.gateway.address)
        client.get(host="hello.default.localhost")
        await anyio.sleep(0.05)
        assert sink.pokes == [("default", "hello-00001")]
        cache.put(
            ENDPOINT_SLICE,
            {
                "metadata": {
                    **meta,
                    "name": "s",
                    "labels": {"kubernetes.io/service-name": "hello-00001-private"},
                },
                "addressType": "IPv4",
                "ports": [{"name": "http", "port": app[1]}],
                "endpoints": [{"addresses": [app[0]], "conditions": {"ready": False}}],
            },
        )
        assert (await client.answer()).body == b"hi"
        slot = await activator.capacity.acquire("hello.default.localhost", "/", wait_s=1)
        assert slot is not None
        slot.release()
        sent = await activator.courier.send(
            "GET", "http://hello.default.localhost/", (), b"", wait_s=1, timeout_s=1, response_max=9
        )
        assert sent.body == b"hi"
        await activator.drain.drained((app[0], app[1]), deadline_s=1)
        view = cache.get(INGRESS, "default", "hello")
        assert view is not None
        plan = activator.ingress_reconciler.desired(
            view, cache, StandingConfigs(), datetime(2026, 1, 1, tzinfo=UTC)
        )
        assert plan.status is not None
        client.close()
        tasks.cancel_scope.cancel()


async def test_nothing_is_listened_on_before_the_cluster_is_known(sink: Any) -> None:
    activator = Activator(
        "127.0.0.1", 0, cache=Cache(), sink=sink, clock=SystemClock(), rng=random.Random(1)
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(activator.run)
        await anyio.sleep(0.02)
        assert activator.gateway.address[1] == 0
        tasks.cancel_scope.cancel()
