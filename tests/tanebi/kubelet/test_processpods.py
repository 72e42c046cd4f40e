"""Pods as processes: what the contract of pod runtimes does not ask of every one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.kubelet.images import Image, Missing
from tanebi.kubelet.podruntime import Sandbox, SandboxFailed
from tanebi.kubelet.processpods import ProcessPods
from tanebi.kubelet.runtime import ExecResult, Exit, Launch, StartFailed

pytestmark = pytest.mark.anyio


class World:
    """The image store, the runtime and the logs. `images` is what there is."""

    def __init__(self, folder: Path, *images: str) -> None:
        self.folder = folder
        self.images = images
        self.swept: list[str] = []
        self.launched: list[Launch] = []
        self.cleaned: list[str] = []

    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def resolve(self, ref: str) -> Image | Missing:
        if ref not in self.images:
            return Missing(f"no image {ref}")
        return Image(ref, "sha256:1", ("run",), self.folder, None, 1, "")

    def path(self, *names: Any) -> Path:
        return self.folder / "log"

    async def sweep(self, pod_uid: str, container: str) -> None:
        self.swept.append(container)

    async def start(self, launch: Launch) -> str:
        self.launched.append(launch)
        return "running"

    async def execute(self, launch: Launch, *, timeout_s: float) -> ExecResult:
        return ExecResult(Exit(0), " ".join(launch.argv))

    async def clean(self, pod_uid: str) -> None:
        self.cleaned.append(pod_uid)

    async def clean_all(self) -> int:
        return 3

    def pods(self, *, free: bool = True) -> ProcessPods:
        found: Any = self
        return ProcessPods(
            found,
            images=found,
            runtime=found,
            logs=found,
            folder=self.folder,
            path="/bin",
            is_free=lambda port: free,
        )


def pod(image: str = "app", uid: str = "u") -> Pod:
    container = {"name": "c", "image": image, "ports": [{"containerPort": 80}]}
    return POD.view(
        {
            "metadata": {"name": "p", "namespace": "ns", "uid": uid},
            "spec": {"containers": [container]},
        }
    )


async def test_a_pod_gets_a_port_and_keeps_it_until_it_is_cleaned(tmp_path: Path) -> None:
    world = World(tmp_path, "app")
    pods = world.pods()
    first, second = await pods.prepare(pod()), await pods.prepare(pod(uid="v"))
    assert first.address == "127.0.0.1"
    assert first.ports[80] != second.ports[80]
    await pods.clean("u")
    assert world.cleaned == ["u"]
    assert await pods.clean_all() == 3


async def test_no_free_port_is_a_failed_sandbox(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match="no free port") as failed:
        await World(tmp_path, "app").pods(free=False).prepare(pod())
    assert failed.value.hint


async def test_a_start_sweeps_only_after_an_earlier_one(tmp_path: Path) -> None:
    world = World(tmp_path, "app")
    pods, own = world.pods(), pod()
    place = await pods.prepare(own)
    started = await pods.start(own, own.spec.containers[0], 0, place)
    assert (started.image_id, world.swept) == ("app@sha256:1", [])
    await pods.start(own, own.spec.containers[0], 1, place)
    assert world.swept == ["c"]
    assert world.launched[-1].env["PORT"] == str(place.ports[80])


async def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    pods, own = World(tmp_path).pods(), pod()
    place = Sandbox("127.0.0.1", {80: 20000})
    with pytest.raises(StartFailed) as failed:
        await pods.start(own, own.spec.containers[0], 0, place)
    assert (failed.value.code, failed.value.message) == ("ErrImagePull", "no image app")
    result = await pods.execute(own, own.spec.containers[0], ["check"], place, timeout_s=1)
    assert result == ExecResult(None, "no image app")


async def test_a_probe_runs_its_own_command_with_the_containers_environment(tmp_path: Path) -> None:
    pods, own = World(tmp_path, "app").pods(), pod()
    place = await pods.prepare(own)
    result = await pods.execute(own, own.spec.containers[0], ["check", "it"], place, timeout_s=1)
    assert result.output == "check it"
