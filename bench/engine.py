"""A container's cold start by phase: what the engine itself takes, what we add, and what `tanebi up` takes in all.

    python bench/engine.py [--runs 10]

The app is a static busybox's httpd in an image made here, so its own boot is a few milliseconds. Phases are those of the
kubelet's runtime: a place (made ahead, or now), the container (created, started), the first answer, and what nobody waits for:
removal. The last figure is a request to a service at zero through the gateway of `tanebi up`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from load import ask, median
from manifests import apply, config_map, wait_ready

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.base.clock import SystemClock
from tanebi.kubelet import podnet
from tanebi.kubelet.engine import connect, places
from tanebi.kubelet.engine.pods import EnginePods
from tanebi.kubelet.engine.role import build
from tanebi.kubelet.logs import LogStore
from tanebi.testing.engine import IMAGE, busybox_image
from tanebi.testing.platform import Platform

SERVE = "mkdir -p /tmp/w; echo well > /tmp/w/index.html; exec busybox httpd -f -p 8080 -h /tmp/w"
INITIAL_SCALE = "autoscaling.knative.dev/initial-scale"
DEADLINE_S = 30.0

Phases = dict[str, list[float]]


class NoConfig:
    """A cluster without ConfigMaps."""

    def get(self, kind: Any, namespace: str, name: str) -> None:
        return None


def pod(uid: str) -> Pod:
    own = {
        "name": "main",
        "image": IMAGE,
        "command": ["/bin/sh", "-c", SERVE],
        "ports": [{"containerPort": 8080}],
    }
    meta = {"name": f"pod-{uid}", "namespace": "default", "uid": uid}
    return POD.view({"metadata": meta, "spec": {"containers": [own]}})


async def timed(phases: Phases, name: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = await work()
    phases.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return found


async def answered(address: str) -> None:
    """By a plain connection every millisecond, as the activator asks."""
    with anyio.fail_after(DEADLINE_S):
        while True:
            try:
                async with await anyio.connect_tcp(address, 8080) as stream:
                    await stream.send(b"GET / HTTP/1.0\r\n\r\n")
                    if await stream.receive():
                        return
            except (OSError, anyio.EndOfStream):
                await anyio.sleep(0.001)


async def one(pods: EnginePods, phases: Phases, uid: str, *, ahead: bool) -> None:
    own = pod(uid)
    client = await pods.connect()
    create, start = client.create, client.start
    place = "place, made ahead" if ahead else "place, made now"
    sandbox = await timed(phases, place, lambda: pods.prepare(own))
    client.create = lambda *a: timed(phases, "create", lambda: create(*a))  # type: ignore[method-assign]
    client.start = lambda *a: timed(phases, "start", lambda: start(*a))  # type: ignore[method-assign]
    try:
        started = await timed(
            phases, "container, all", lambda: pods.start(own, own.spec.containers[0], 0, sandbox)
        )
    finally:
        client.create, client.start = create, start  # type: ignore[method-assign]
    await timed(phases, "first answer", lambda: answered(sandbox.address))
    container = started.running.container_id
    await timed(phases, "pause", lambda: client.pause(container))
    await timed(phases, "unpause", lambda: client.unpause(container))
    await timed(phases, "removal", lambda: pods.clean(uid))


async def phases_of_a_start(folder: Path, runs: int) -> Phases:
    found = connect.find(os.environ)
    assert found is not None, "no container engine"
    clock, phases = SystemClock(), Phases()
    opened = podnet.opened(folder / "network", forwarded=[], clock=clock, domain="cluster.local")
    async with opened as network, anyio.create_task_group() as tasks:
        role = build(
            found,
            NoConfig(),  # type: ignore[arg-type]
            folder=folder / "pods",
            logs=LogStore(folder / "logs", clock=clock),
            environ=os.environ,
            clock=clock,
            local_url=str,
            network=network,
        )
        await tasks.start(role.pods.run)
        await busybox_image(await role.pods.connect())
        await one(role.pods, Phases(), "warm-up", ahead=False)
        await anyio.sleep(places.REFILL_S + 2)
        for number in range(runs):
            await one(role.pods, phases, f"a-{number}", ahead=True)
            await anyio.sleep(places.REFILL_S + 2)  # until two places wait again
        while role.pods.waiting:
            await role.pods.prepare(pod(f"use-{role.pods.waiting}"))
        for number in range(runs):
            await one(role.pods, phases, f"n-{number}", ahead=False)
        await role.pods.clean_all()
        tasks.cancel_scope.cancel()
    return phases


def woken_ms(folder: Path, runs: int) -> list[float]:
    """First requests to services at zero, each another one."""
    with Platform(folder / "data", runtime="engine") as platform:
        apply(
            platform,
            config_map(
                "config-autoscaler", {"allow-zero-initial-scale": "true"}, "knative-serving"
            ),
        )
        names = [f"bench-{n}" for n in range(runs + 1)]
        container = {"image": IMAGE, "command": ["/bin/sh", "-c", SERVE]}
        for name in names:
            apply(
                platform,
                {
                    "apiVersion": "serving.knative.dev/v1",
                    "kind": "Service",
                    "metadata": {"name": name},
                    "spec": {
                        "template": {
                            "metadata": {"annotations": {INITIAL_SCALE: "0"}},
                            "spec": {"timeoutSeconds": 2, "containers": [container]},
                        }
                    },
                },
            )
        for name in names:
            wait_ready(platform, f"ksvc/{name}")
        found = []
        for name in names:
            began = time.perf_counter()
            status, body = ask(platform.gateway_port, f"{name}.default.localhost")
            found.append((time.perf_counter() - began) * 1000)
            assert status == 200, f"{name} answered {status}: {body[:200]!r}"
            time.sleep(places.REFILL_S + 2)
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        phases = anyio.run(phases_of_a_start, Path(name), runs)
        phases["from zero through tanebi up"] = woken_ms(Path(name), runs)
    for phase, times in phases.items():
        print(f"{phase:<30} {median(times):8.1f} ms   (of {len(times)}, worst {max(times):.1f})")


if __name__ == "__main__":
    main()
