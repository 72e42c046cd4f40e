"""The API server under many objects and many watchers: does a write cost the same when there are a thousand objects as when there
are none, and how long does a reader wait meanwhile?

    python bench/api.py [--services 1000] [--watchers 200]

The server runs in a process of its own, over TLS, with its collectors and without controllers: what is measured is the API. A
probe reads one object every 20 ms throughout; its longest waits are the loop's longest turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import orjson
import uvloop
from load import cpu_s, rss_mb

from tanebi.apiserver import pki
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.clock import SystemClock
from tanebi.base.rng import system_rng
from tanebi.up.kinds import CONFIGS, KINDS

TOKEN = "bench-bench-bench"
SERVICES = "/apis/serving.knative.dev/v1/namespaces/default/services"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
APPLY = {"content-type": "application/apply-patch+yaml"}
PROBE_EVERY_S = 0.02
AT_ONCE = 8


async def serve(folder: Path) -> None:
    """The server's process: prints its address, ends with SIGTERM."""
    clock = SystemClock()
    store = Store.open(folder / "api.db")
    server = ApiServer(store, KINDS, CONFIGS, clock=clock, rng=system_rng())
    keys = pki.ensure(folder / "pki", now=clock.wall())
    door = HttpsDoor(server, listen("127.0.0.1", 0), keys, token=TOKEN)
    async with anyio.create_task_group() as group:
        await group.start(server.run)
        await bootstrap(server, CONFIGS)
        await group.start(door.run)
        print(door.port, flush=True)
        await anyio.sleep_forever()


@dataclass
class Bench:
    client: httpx.AsyncClient
    pid: int
    waits: list[float] = field(default_factory=list)
    seen: int = 0
    cpu_ms: float = 0.0  # of the server, each of the last things done

    async def probe(self) -> None:
        while True:
            begun = time.perf_counter()
            await self.ok("GET", "/api/v1/namespaces/default")
            self.waits.append(time.perf_counter() - begun)
            await asyncio.sleep(PROBE_EVERY_S)

    async def watch(self) -> None:
        async with self.client.stream("GET", SERVICES, params={"watch": "true"}) as response:
            async for chunk in response.aiter_raw():
                self.seen += chunk.count(b"\n")

    async def ok(self, method: str, path: str, **more: object) -> httpx.Response:
        response = await self.client.request(method, path, **more)  # type: ignore[arg-type]  # passed on
        response.raise_for_status()
        return response

    async def all(self, count: int, one: Callable[[int], Awaitable[object]]) -> list[float]:
        """Seconds an object, for each tenth of the objects."""
        tenths = []
        cpu = cpu_s(self.pid)
        for start in range(0, count, max(1, count // 10)):
            stop = min(count, start + max(1, count // 10))
            begun = time.perf_counter()
            limit = asyncio.Semaphore(AT_ONCE)

            async def bounded(index: int, limit: asyncio.Semaphore = limit) -> None:
                async with limit:
                    await one(index)

            await asyncio.gather(*(bounded(index) for index in range(start, stop)))
            tenths.append((time.perf_counter() - begun) / (stop - start))
        self.cpu_ms = (cpu_s(self.pid) - cpu) / count * 1000
        return tenths

    def say(self, what: str, tenths: list[float]) -> None:
        waits = sorted(self.waits) or [0.0]
        self.waits = []
        first, last = tenths[0] * 1000, tenths[-1] * 1000
        p50, p99 = (waits[int(len(waits) * q)] * 1000 for q in (0.5, 0.99))
        print(
            f"{what:<28} {first:8.2f} {last:8.2f} ms each (first, last tenth)   {self.cpu_ms:6.2f} ms CPU   "
            f"probe p50 {p50:6.1f} p99 {p99:6.1f} max {waits[-1] * 1000:6.1f} ms   "
            f"{rss_mb(self.pid):6.0f} MB",
            flush=True,
        )


def manifest(index: int) -> bytes:
    env = [{"name": f"VAR_{n}", "value": "x" * 20} for n in range(5)]
    container = {
        "image": "registry.example.com/app:1",
        "env": env,
        "ports": [{"containerPort": 8080}],
    }
    return orjson.dumps(
        {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": {"name": f"s{index:05}", "labels": {"app": "bench"}},
            "spec": {"template": {"spec": {"containers": [container]}}},
        }
    )


async def measure(bench: Bench, services: int) -> None:
    async def apply(index: int) -> None:
        query = {"fieldManager": "bench", "force": "true"}
        path = f"{SERVICES}/s{index:05}"
        await bench.ok("PATCH", path, content=manifest(index), params=query, headers=APPLY)

    async def status(index: int) -> None:
        body = {
            "status": {
                "url": f"http://s{index}",
                "conditions": [{"type": "Ready", "status": "True"}],
            }
        }
        headers = {"content-type": "application/merge-patch+json"}
        path = f"{SERVICES}/s{index:05}/status"
        await bench.ok("PATCH", path, content=orjson.dumps(body), headers=headers)

    async def delete(index: int) -> None:
        await bench.ok("DELETE", f"{SERVICES}/s{index:05}")

    bench.say("at rest", await bench.all(20, lambda index: asyncio.sleep(0.1)))
    bench.say("apply, new", await bench.all(services, apply))
    bench.say("apply, unchanged", await bench.all(services, apply))
    bench.say("status", await bench.all(services, status))
    for what, headers in (("list", {}), ("list as a table", TABLE)):

        async def listed(index: int, headers: dict[str, str] = headers) -> None:
            await bench.ok("GET", SERVICES, headers=headers)

        bench.say(f"{what} of {services}", await bench.all(20, listed))
    bench.say("delete one by one", await bench.all(services // 2, delete))
    begun = time.perf_counter()
    await bench.ok("DELETE", SERVICES)
    left = services - services // 2
    bench.say("delete the rest at once", [(time.perf_counter() - begun) / left])


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Bench]:
    command = [sys.executable, __file__, "--serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:  # noqa: ASYNC220 - before the loop has work
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            context = ssl.create_default_context(cafile=str(folder / "pki" / "ca.crt"))
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
            async with httpx.AsyncClient(
                base_url=f"https://127.0.0.1:{port}",
                verify=context,
                headers={"authorization": f"Bearer {TOKEN}"},
                timeout=60,
                limits=limits,
            ) as client:
                yield Bench(client, server.pid)
        finally:
            os.kill(server.pid, signal.SIGTERM)


async def main(services: int, watchers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with started(Path(folder)) as bench, anyio.create_task_group() as group:
            for count in dict.fromkeys((0, watchers)):
                print(f"\n{services} services, {count} watchers")
                bench.seen = 0
                told = (
                    3 * services * count
                )  # new, status, deleted; an apply that changes nothing tells nothing
                async with anyio.create_task_group() as watching:
                    for _ in range(count):
                        watching.start_soon(bench.watch)
                    watching.start_soon(bench.probe)
                    await anyio.sleep(1)
                    await measure(bench, services)
                    await anyio.sleep(1)
                    watching.cancel_scope.cancel()
                print(f"events told to watchers: {bench.seen} of {told}")
            group.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--watchers", type=int, default=200)
    given = parser.parse_args()
    if given.serve is not None:
        uvloop.run(serve(given.serve))
    else:
        asyncio.run(main(given.services, given.watchers))
