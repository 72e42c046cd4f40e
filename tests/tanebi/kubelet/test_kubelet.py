"""Pods from the API to real processes and back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.core.kinds_cluster import RESOURCE_QUOTA
from tanebi.api.meta import Obj
from tanebi.kubelet import view
from tanebi.kubelet.ports import real_ports
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until
from tests.tanebi.kubelet.conftest import NODE, SERVER, TCP_PROBE, Platform, make_pod, running
from tests.tanebi.kubelet.test_tokens import Accounts, tokens

pytestmark = pytest.mark.anyio

COLD_BUDGET_S = 0.5  # far above what it takes; a tick or a poll on the way would show
HTTP_PROBE: Obj = {"httpGet": {"path": "/", "port": 8080}}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def pid_of(platform: Platform, name: str = "p") -> int:
    found = await platform.container(name)
    return int(found["containerID"].removeprefix("process://"))


async def test_a_pod_runs_becomes_ready_and_ends(platform: Platform) -> None:
    platform.build()
    await platform.kube.create(POD, make_pod(readinessProbe=HTTP_PROBE))
    await wait_until(platform.is_ready)
    status = await platform.status()
    assert (status["phase"], status["podIP"]) == ("Running", "127.0.0.1")
    (real,) = real_ports(POD.view({"status": status})).values()
    assert "listening on " + str(real) in platform.output()
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{real}/")).text == "hello"
    pid = await pid_of(platform)
    await platform.kube.delete(POD, "default", "p")
    await wait_until(lambda: _gone(platform))
    assert not alive(pid)
    assert "listening" in platform.output(), "its output stays"
    assert list((platform.folder / "pods").iterdir()) == [platform.folder / "pods" / "bin"]


async def _gone(platform: Platform, name: str = "p") -> bool:
    return await platform.pod(name) is None


async def test_the_address_is_told_before_it_is_ready(platform: Platform) -> None:
    platform.build("import time; time.sleep(60)")
    await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
    await wait_until(lambda: _has_address(platform))
    assert not await platform.is_ready()


async def _has_address(platform: Platform) -> bool:
    return (await platform.status()).get("podIP") == "127.0.0.1"


async def test_a_container_that_listens_late(platform: Platform) -> None:
    platform.build("import time; time.sleep(0.5)\n" + SERVER)
    await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
    await wait_until(platform.is_ready)


async def test_a_container_that_never_listens_is_complained_about(platform: Platform) -> None:
    platform.build("import time; time.sleep(60)")
    probe = {**TCP_PROBE, "periodSeconds": 1, "failureThreshold": 1}
    await platform.kube.create(POD, make_pod(readinessProbe=probe))
    messages = await wait_until(lambda: platform.events("Unhealthy"))
    assert messages[0].startswith("Readiness probe failed: dial tcp 127.0.0.1:")
    assert "connection refused" in messages[0]


async def test_a_container_that_exits_at_once(platform: Platform) -> None:
    platform.build("import sys; print('cannot find the database'); sys.exit(3)")
    await platform.kube.create(POD, make_pod())

    async def crashing() -> bool:
        waiting = (await platform.container()).get("state", {}).get("waiting", {})
        return bool(waiting.get("reason") == "CrashLoopBackOff")

    await wait_until(crashing)
    container = await platform.container()
    last = container["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert last["message"] == "cannot find the database"
    assert container["restartCount"] == 1
    assert await wait_until(lambda: platform.events("BackOff"))


async def test_an_image_that_comes_later(platform: Platform) -> None:
    await platform.kube.create(POD, make_pod(image="dev.local/late", readinessProbe=TCP_PROBE))

    async def waiting() -> Any:
        return (await platform.container()).get("state", {}).get("waiting", {}).get("message")

    assert "tanebi image build DIR --tag dev.local/late" in await wait_until(waiting)
    await anyio.to_thread.run_sync(lambda: platform.build(tag="dev.local/late"))
    await wait_until(platform.is_ready)


async def test_a_config_map_that_comes_later(platform: Platform) -> None:
    platform.build("import os, time; print(os.environ['COLOUR'], flush=True); time.sleep(60)")
    source = {"configMapKeyRef": {"name": "settings", "key": "colour"}}
    await platform.kube.create(POD, make_pod(env=[{"name": "COLOUR", "valueFrom": source}]))

    async def waiting() -> bool:
        state = (await platform.container()).get("state", {}).get("waiting", {})
        return bool(state.get("reason") == "CreateContainerConfigError")

    await wait_until(waiting)
    settings = {"metadata": {"name": "settings", "namespace": "default"}, "data": {"colour": "red"}}
    await platform.kube.create(CONFIG_MAP, settings)
    await wait_until(lambda: "red" in platform.output())


async def test_files_of_a_volume(platform: Platform) -> None:
    settings = {"metadata": {"name": "settings", "namespace": "default"}, "data": {"a.txt": "file"}}
    await platform.kube.create(CONFIG_MAP, settings)
    folder = "'/etc/conf'" if view.missing() == "" else "os.environ['TANEBI_VOLUME_CONF']"
    platform.build(f"import os; print(open({folder} + '/a.txt').read())")
    pod = make_pod(
        volumeMounts=[{"name": "conf", "mountPath": "/etc/conf"}],
        spec={
            "volumes": [{"name": "conf", "configMap": {"name": "settings"}}],
            "restartPolicy": "Never",
        },
    )
    await platform.kube.create(POD, pod)
    await wait_until(lambda: "file" in platform.output())
    if view.missing():
        (message,) = await wait_until(lambda: platform.events("FailedMount"))
        assert "volume 'conf' is not at /etc/conf" in message
        assert "TANEBI_VOLUME_CONF" in message


async def test_a_command_that_does_not_exist(platform: Platform) -> None:
    platform.build(command="no-such-program")
    await platform.kube.create(POD, make_pod())
    messages = await wait_until(lambda: platform.events("Failed"))
    assert 'exec: "no-such-program": executable file not found' in messages[0]
    waiting = (await platform.container())["state"]["waiting"]
    assert waiting["reason"] == "RunContainerError"


async def test_a_pod_that_runs_once(platform: Platform) -> None:
    platform.build("print('done')")
    await platform.kube.create(POD, make_pod(spec={"restartPolicy": "Never"}))

    async def succeeded() -> bool:
        return (await platform.status()).get("phase") == "Succeeded"

    await wait_until(succeeded)
    await platform.kube.delete(POD, "default", "p")
    await wait_until(lambda: _gone(platform))


async def test_a_pod_that_nobody_scheduled(platform: Platform) -> None:
    platform.build("import os, time; print(os.environ['HOSTNAME'], flush=True); time.sleep(60)")
    pod = make_pod()
    del pod["spec"]["nodeName"]
    await platform.kube.create(POD, pod)
    await wait_until(lambda: " p\n" in platform.output())
    assert (await platform.pod() or {})["spec"]["nodeName"] == NODE


async def test_what_a_container_left_running_does_not_hinder_its_successor(
    platform: Platform,
) -> None:
    """It leaves a daemon with its port behind and ends; the next run needs that port."""
    platform.build(
        "import os, socket, sys, time\n"
        "s = socket.socket()\n"
        "s.bind(('127.0.0.1', int(os.environ['PORT'])))\n"
        "s.listen()\n"
        "print('bound', flush=True)\n"
        "if os.fork(): sys.exit(1)\n"
        "os.setsid()\n"
        "time.sleep(60)\n"
    )
    await platform.kube.create(POD, make_pod())
    await wait_until(lambda: "bound" in platform.output(attempt=1))


async def test_a_failed_liveness_probe_restarts(platform: Platform) -> None:
    platform.build(SERVER)
    probe = {
        "exec": {"command": ["sh", "-c", "exit 1"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    await platform.kube.create(POD, make_pod(livenessProbe=probe))

    async def restarted() -> bool:
        return bool((await platform.container()).get("restartCount", 0) >= 1)

    await wait_until(restarted)
    assert any("Liveness probe failed" in m for m in await platform.events("Unhealthy"))


async def test_one_that_ignores_sigterm_is_killed_after_its_grace(platform: Platform) -> None:
    platform.build(
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    await platform.kube.create(POD, make_pod(spec={"terminationGracePeriodSeconds": 1}))
    await wait_until(lambda: "up" in platform.output())
    pid, began = await pid_of(platform), time.monotonic()
    await platform.kube.delete(POD, "default", "p")
    await wait_until(lambda: _gone(platform))
    assert 0.9 < time.monotonic() - began < 4
    assert not alive(pid)


async def test_a_forced_deletion_does_not_wait(platform: Platform) -> None:
    platform.build("import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)")
    await platform.kube.create(POD, make_pod(spec={"terminationGracePeriodSeconds": 60}))
    await wait_until(lambda: _has_address(platform))
    pid = await pid_of(platform)
    await platform.kube.delete(POD, "default", "p", grace_s=0)
    await wait_until(lambda: not alive(pid))


class SlowDrain:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.done = anyio.Event()

    async def drained(self, address: tuple[str, int], *, deadline_s: float) -> None:
        self.asked.append(address)
        with anyio.move_on_after(deadline_s):
            await self.done.wait()


async def test_requests_in_flight_are_waited_for(tmp_path: Path) -> None:
    drain = SlowDrain()
    async with running(tmp_path, drain=drain) as platform:
        platform.build()
        await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
        await wait_until(platform.is_ready)
        pid = await pid_of(platform)
        await platform.kube.delete(POD, "default", "p")
        await wait_until(lambda: drain.asked)
        await anyio.sleep(0.1)
        assert alive(pid), "no SIGTERM before it is drained"
        drain.done.set()
        await wait_until(lambda: _gone(platform))


async def test_values_are_translated_for_pods(tmp_path: Path) -> None:
    async with running(tmp_path, local_url=lambda v: v.replace("cluster", "here")) as platform:
        platform.build("import os; print(os.environ['K_SINK'])")
        await platform.kube.create(
            POD, make_pod(env=[{"name": "K_SINK", "value": "http://cluster/"}])
        )
        await wait_until(lambda: "http://here/" in platform.output())


# --- the platform itself ends and begins ---------------------------------------------------------


async def test_nothing_is_left_when_the_platform_ends(tmp_path: Path) -> None:
    async with running(tmp_path) as platform:
        platform.build()
        await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
        await wait_until(platform.is_ready)
        pid = await pid_of(platform)
    assert not alive(pid)
    async with running(tmp_path) as platform:
        await wait_until(platform.is_ready)
        assert await pid_of(platform) != pid
        assert (await platform.container())["restartCount"] == 1
        assert (await platform.pod() or {})["metadata"].get("deletionTimestamp") is None


async def test_a_killed_platform_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    program = f"""
import anyio, os
from pathlib import Path
from tanebi.api.core.kinds import POD
from tests.tanebi.kubelet.conftest import *
async def main():
    async with running(Path({str(tmp_path)!r})) as platform:
        platform.build()
        await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
        while not await platform.is_ready():
            await anyio.sleep(0.01)
        print((await platform.container())["containerID"].removeprefix("process://"), flush=True)
        os.kill(os.getpid(), 9)
anyio.run(main)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert killed.returncode == -9, killed.stderr
    pid = int(killed.stdout)
    assert alive(pid)
    async with running(tmp_path) as platform:
        assert not alive(pid), "ended before anything new was started"
        status = await platform.status()
        assert status["containerStatuses"][0]["restartCount"] == 1, "and the status is of this run"
        await wait_until(platform.is_ready)


# --- deployments and services --------------------------------------------------------------------


def deployment(replicas: int, *, word: str = "a", **spec: Any) -> Obj:
    template = make_pod(readinessProbe=TCP_PROBE, env=[{"name": "WORD", "value": word}])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {k: v for k, v in template["spec"].items() if k != "nodeName"},
            },
            **spec,
        },
    }


SERVICE_OBJ: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default", "labels": {"team": "red"}},
    "spec": {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
    },
}


async def scale(platform: Platform, replicas: int) -> None:
    body = [{"op": "replace", "path": "/spec/replicas", "value": replicas}]
    await platform.kube.patch(DEPLOYMENT, "default", "web", body, type="json", subresource="scale")


async def ready_endpoints(platform: Platform) -> int:
    return sum(
        1
        for found in await platform.slices()
        for endpoint in found["endpoints"]
        if endpoint["conditions"]["ready"]
    )


async def test_a_deployment_wakes_scales_and_sleeps(platform: Platform) -> None:
    platform.build()
    await platform.kube.create(SERVICE, SERVICE_OBJ)
    await platform.kube.create(DEPLOYMENT, deployment(0))
    await scale(platform, 1)

    async def endpoints(count: int) -> bool:
        return await ready_endpoints(platform) == count

    await wait_until(lambda: endpoints(1))
    (one,) = await platform.slices()
    assert one["metadata"]["labels"] | {} == {
        "team": "red",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert one["ports"][0]["name"] == "http"
    assert one["ports"][0]["port"] in range(20000, 30000)
    (pod,) = await platform.pods()
    assert pod["spec"]["nodeName"] == NODE
    assert pod["metadata"]["name"].startswith("web-")
    await scale(platform, 3)
    await wait_until(lambda: endpoints(3))

    async def apart() -> bool:  # slices are written one after the other
        return len({s["ports"][0]["port"] for s in await platform.slices()}) == 3

    await wait_until(apart)

    async def settled() -> bool:
        status = (await platform.kube.get(DEPLOYMENT, "default", "web"))["status"]
        return bool(
            status.get("availableReplicas") == 3
            and {c["type"]: c["reason"] for c in status["conditions"]}
            == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
        )

    await wait_until(settled)
    await scale(platform, 0)

    async def nothing() -> bool:
        listed = [one for found in await platform.slices() for one in found["endpoints"] or ()]
        return not listed and not await platform.pods()

    await wait_until(nothing)
    found = await platform.kube.get(DEPLOYMENT, "default", "web")
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]


async def test_a_new_template_replaces_pods_without_a_gap(platform: Platform) -> None:
    platform.build()
    await platform.kube.create(SERVICE, SERVICE_OBJ)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    await platform.kube.create(DEPLOYMENT, deployment(2, strategy=rolling))

    async def two() -> bool:
        return await ready_endpoints(platform) == 2

    await wait_until(two)
    before = {pod["metadata"]["uid"] for pod in await platform.pods()}
    path = "/spec/template/spec/containers/0/env/0/value"
    change = [{"op": "replace", "path": path, "value": "b"}]
    await platform.kube.patch(DEPLOYMENT, "default", "web", change, type="json")

    least = 2

    async def replaced() -> bool:
        nonlocal least
        least = min(least, await ready_endpoints(platform))
        pods = await platform.pods()
        assert len(pods) <= 5, "two, one more, and what is ending"
        return len(pods) == 2 and not before & {pod["metadata"]["uid"] for pod in pods}

    await wait_until(replaced, 15)
    assert least == 2


async def test_a_deleted_pod_is_replaced(platform: Platform) -> None:
    platform.build()
    await platform.kube.create(DEPLOYMENT, deployment(1))
    (pod,) = await wait_until(platform.pods)
    await platform.kube.delete(POD, "default", pod["metadata"]["name"])

    async def another() -> bool:
        return [p["metadata"]["uid"] for p in await platform.pods()] not in (
            [],
            [pod["metadata"]["uid"]],
        )

    await wait_until(another)


async def test_the_cold_path_is_quick(platform: Platform) -> None:
    """From the scale request to the spawned process and its address in a slice: our own time, fsyncs included."""
    platform.build()
    await platform.kube.create(SERVICE, SERVICE_OBJ)
    await platform.kube.create(DEPLOYMENT, deployment(0))
    took = []
    for _ in range(5):
        listed = anyio.Event()
        began = time.perf_counter()

        def seen(old: Obj | None, new: Obj | None, listed: anyio.Event = listed) -> None:
            if new is not None and new["endpoints"]:
                listed.set()

        platform.cache.subscribe(ENDPOINT_SLICE, seen)
        await scale(platform, 1)
        await listed.wait()
        took.append(time.perf_counter() - began)
        await scale(platform, 0)

        async def nothing() -> bool:
            there = [one for found in await platform.slices() for one in found["endpoints"] or ()]
            return not there and not await platform.pods()

        await wait_until(nothing)
    assert min(took) < COLD_BUDGET_S, took


async def test_a_quota_stops_a_deployment_and_is_told(platform: Platform) -> None:
    platform.build()
    quota = {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": {"pods": "0"}}}
    await platform.kube.create(RESOURCE_QUOTA, quota)
    template = make_pod()
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "full"}},
        "template": {"metadata": {"labels": {"app": "full"}}, "spec": template["spec"]},
    }
    del spec["template"]["spec"]["nodeName"]  # type: ignore[index]
    meta = {"name": "full", "namespace": "default"}
    await platform.kube.create(DEPLOYMENT, {"metadata": meta, "spec": spec})

    async def failure() -> str:
        found = await platform.kube.get(DEPLOYMENT, "default", "full")
        conditions = found.get("status", {}).get("conditions", ())
        return next((c["message"] for c in conditions if c["type"] == "ReplicaFailure"), "")

    await wait_until(failure)
    assert "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0" in await failure()
    await wait_until(lambda: platform.events("FailedCreate"))
    await platform.kube.delete(RESOURCE_QUOTA, "default", "q")

    async def mended() -> bool:
        return bool(await platform.pods()) and not await failure()

    await wait_until(mended)


async def test_a_token_is_renewed_while_its_pod_runs(tmp_path: Path) -> None:
    clock, accounts = FakeClock(), Accounts()
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 1000}}
    spec = {"volumes": [{"name": "v", "projected": {"sources": [source]}}]}
    mounts = [{"name": "v", "mountPath": "/v"}]
    async with running(tmp_path, tokens=tokens(accounts, clock)) as platform:
        platform.build()
        await platform.kube.create(POD, make_pod(volumeMounts=mounts, spec=spec))
        await wait_until(lambda: "listening" in platform.output())
        (file,) = (tmp_path / "pods").glob("*/volumes/v/token")
        assert file.read_text() == "1:"
        clock.advance(801)
        await wait_until(lambda: file.read_text() == "2:")
        await platform.kube.delete(POD, "default", "p")
        await wait_until(lambda: _gone(platform))
