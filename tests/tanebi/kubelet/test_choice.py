"""Each pod by its images, and what it was prepared for it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.kubelet.choice import ByImage
from tanebi.kubelet.podruntime import Sandbox

pytestmark = pytest.mark.anyio


class Told:
    """A runtime that writes down what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[str] = []

    async def prepare(self, pod: Pod) -> Sandbox:
        self.asked.append("prepare")
        return Sandbox(self.name, {})

    async def refresh(self, *args: Any) -> None:
        self.asked.append("refresh")

    async def start(self, *args: Any, say: Any) -> str:
        self.asked.append("start")
        return self.name

    async def execute(self, *args: Any, timeout_s: float) -> str:
        return self.name

    async def session(self, *args: Any) -> str:
        return self.name

    def notes(self, container: Any) -> list[str]:
        return [self.name]

    def remember(self, pod: Pod) -> None:
        self.asked.append("remember")

    async def clean(self, pod_uid: str) -> None:
        self.asked.append("clean")

    async def clean_all(self) -> int:
        return 2


def pod(*images: str, init: str = "dir/init") -> Pod:
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]
    spec = {"containers": containers, "initContainers": [{"name": "i", "image": init}]}
    return POD.view({"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec})


def choice() -> tuple[Any, Told, Told]:
    processes, engine = Told("processes"), Told("engine")
    found: Any = ByImage
    made = found(processes, engine, is_directory=lambda ref: ref.startswith("dir/"))
    return made, processes, engine


@pytest.mark.parametrize(
    ("own", "name"),
    [
        (pod("dir/a"), "processes"),
        (pod("dir/a", "dir/b"), "processes"),
        (pod("web"), "engine"),
        (pod("dir/a", "web"), "engine"),
        (pod("dir/a", init="web"), "engine"),
    ],
)
async def test_a_pod_goes_where_all_its_images_are(own: Pod, name: str) -> None:
    made, processes, engine = choice()
    place = await made.prepare(own)
    assert place.address == name
    assert await made.start(own, own.spec.containers[0], 0, place) == name
    found = await made.execute(own, own.spec.containers[0], ["x"], place, timeout_s=1)
    assert found == name
    await made.clean("u")
    await made.clean("u")
    asked = processes.asked + engine.asked
    assert asked == ["prepare", "start", "clean"]


async def test_both_are_asked_for_what_is_left() -> None:
    made, processes, engine = choice()
    assert await made.clean_all() == 4
    made.remember(pod("web"))
    assert processes.asked == engine.asked == ["remember"]
    assert made.notes(pod("web").spec.containers[0]) == ["engine"]
    assert made.notes(pod("dir/a").spec.containers[0]) == ["processes"]
