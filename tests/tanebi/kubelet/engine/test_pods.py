"""Engine pods where the contract (tests/contract/test_pod_runtime.py) does not reach: security, memory, addresses, leftovers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine import connect, spec
from tanebi.kubelet.engine.client import EngineClient
from tanebi.kubelet.engine.pods import EnginePods
from tanebi.kubelet.engine.role import build, platform_name
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.runtime import Exit, StartFailed
from tanebi.testing.engine import IMAGE, busybox_image
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

DEADLINE_S = 30.0


class NoConfig:
    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def get(self, kind: Any, namespace: str, name: str) -> None:
        return None


@asynccontextmanager
async def running(folder: Path, env: Mapping[str, str]) -> AsyncIterator[EnginePods]:
    found = connect.find(env)
    assert found is not None
    role = build(
        found,
        NoConfig(),  # type: ignore[arg-type]
        folder=folder / "pods",
        logs=LogStore(folder / "logs", clock=SystemClock()),
        environ=env,
        clock=SystemClock(),
        local_url=str,
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(role.pods.run)
        await busybox_image(await role.pods.connect())
        yield role.pods
        tasks.cancel_scope.cancel()


@pytest.fixture
async def pods(tmp_path: Path, engine_environment: Mapping[str, str]) -> AsyncIterator[EnginePods]:
    async with running(tmp_path, engine_environment) as opened:
        yield opened
        await opened.clean_all()


def make(script: str, *, spec: Obj | None = None, **container: Any) -> Pod:
    own: Obj = {
        "name": "main",
        "image": IMAGE,
        "command": ["/bin/sh", "-c", script],
        **container,
    }
    return POD.view(
        {
            "metadata": {"name": "a-pod", "namespace": "ns", "uid": "u-1"},
            "spec": {"containers": [own], **(spec or {})},
        }
    )


async def ends(pods: EnginePods, pod: Pod) -> Exit:
    sandbox = await pods.prepare(pod)
    started = await pods.start(pod, pod.spec.containers[0], 0, sandbox)
    with anyio.fail_after(DEADLINE_S):
        return await started.running.wait()


SAY = "> /dev/termination-log"


@pytest.mark.parametrize(
    ("script", "container", "words"),
    [
        (f"hostname {SAY}", {}, "a-pod"),
        (f"id -u {SAY}", {"securityContext": {"runAsUser": 1234}}, "1234"),
        (
            f"(touch /x || echo no) {SAY} 2>/dev/null",
            {"securityContext": {"readOnlyRootFilesystem": True}},
            "no",
        ),
        (f"ulimit -n {SAY}", {}, "16384"),
    ],
)
async def test_what_a_container_sees(
    pods: EnginePods, script: str, container: Obj, words: str
) -> None:
    found = await ends(pods, make(f"PATH=/bin; {script}", **container))
    assert found.message.strip() == words, found


async def test_too_much_memory(pods: EnginePods) -> None:
    eat = 'x=0123456789abcdef; while true; do x="$x$x"; done'
    found = await ends(pods, make(eat, resources={"limits": {"memory": "16Mi"}}))
    assert found.code == 137
    assert found.reason == "OOMKilled"


async def test_containers_of_a_pod_share_localhost_and_volumes(pods: EnginePods) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    image = IMAGE
    listener = "echo hi > /v/f; exec /bin/busybox nc -l -p 7777 -e /bin/cat /v/f"
    asker = f"until /bin/busybox nc 127.0.0.1 7777 < /dev/null {SAY}; do sleep 0.1; done"
    pod = make(listener, volumeMounts=mounts, spec={"volumes": [{"name": "v", "emptyDir": {}}]})
    other = pod.spec.containers[0].model_copy(
        update={"name": "other", "image": image, "command": ["/bin/sh", "-c", asker]}
    )
    sandbox = await pods.prepare(pod)
    await pods.start(pod, pod.spec.containers[0], 0, sandbox)
    started = await pods.start(pod, other, 0, sandbox)
    with anyio.fail_after(DEADLINE_S):
        assert (await started.running.wait()).message.strip() == "hi"


@pytest.mark.parametrize(
    ("security", "image_words"),
    [
        ({"runAsNonRoot": True}, "image will run as root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "root"),
    ],
)
async def test_root_is_refused_where_the_pod_says_so(
    pods: EnginePods, security: Obj, image_words: str
) -> None:
    with pytest.raises(StartFailed, match=image_words) as failed:
        await ends(pods, make("true", securityContext=security))
    assert failed.value.code == "CreateContainerConfigError"


async def test_what_a_killed_platform_left_is_removed_by_the_next(
    tmp_path: Path, engine_environment: Mapping[str, str]
) -> None:
    pod = make("while true; do sleep 0.1; done")
    async with running(tmp_path, engine_environment) as first:
        sandbox = await first.prepare(pod)
        await first.start(pod, pod.spec.containers[0], 0, sandbox)
    async with running(tmp_path, engine_environment) as second:
        assert await second.clean_all() >= 2  # and places that waited
        assert await second.clean_all() == 0
        connected = await second.connect()
        await wait_until(partial(_nothing_of, connected, tmp_path), DEADLINE_S)


async def _nothing_of(client: EngineClient, folder: Path) -> bool:
    label = {spec.PLATFORM_LABEL: platform_name(folder / "pods")}
    return not await client.containers(label)
