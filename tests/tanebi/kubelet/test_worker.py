"""One pod's task on an API that refuses, and a runtime that is told what to do. The whole is in test_kubelet.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kube.errors import Conflict, NotFound, Unreachable
from tanebi.kubelet.drain import NoDrain
from tanebi.kubelet.images import Image
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import SandboxGone
from tanebi.kubelet.processpods import ProcessPods
from tanebi.kubelet.runtime import ExecResult, Exit, Launch
from tanebi.kubelet.worker import PodWorker, Tools
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class FakeContainer:
    """Runs until it is told to end; `deaf` ones need SIGKILL."""

    id = "fake://1"

    def __init__(self, *, deaf: bool) -> None:
        self.deaf = deaf
        self.told: list[str] = []
        self._ended = anyio.Event()
        self._exit = Exit(0)

    async def wait(self) -> Exit:
        await self._ended.wait()
        return self._exit

    def end(self, code: int) -> None:
        self._exit = Exit(code)
        self._ended.set()

    def terminate(self) -> None:
        self.told.append("TERM")
        if not self.deaf:
            self.end(143)

    def kill(self) -> None:
        self.told.append("KILL")
        self.end(137)


@dataclass
class World:
    """The API, the runtime and the rest in one; `refusals` are raised by the next status writes."""

    folder: Path
    deaf: bool = False
    refusals: list[Exception] = field(default_factory=list)
    statuses: list[Obj] = field(default_factory=list)
    deletes: list[dict[str, Any]] = field(default_factory=list)
    started: list[FakeContainer] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    patches: list[Obj] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    executed: list[tuple[str, ...]] = field(default_factory=list)
    exec_code: int = 0
    start_failures: list[Exception] = field(default_factory=list)

    async def update_status(self, kind: Any, obj: Obj) -> Obj:
        if self.refusals:
            raise self.refusals.pop(0)
        assert "resourceVersion" not in obj["metadata"]
        self.statuses.append(obj["status"])
        return obj

    async def delete(self, kind: Any, ns: str, name: str, **options: Any) -> Obj:
        if self.refusals:
            raise self.refusals.pop(0)
        self.deletes.append(options)
        return {}

    def observe(self, kind: Any, obj: Obj) -> None:
        return None

    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def resolve(self, ref: str) -> Image:
        return Image(ref, "sha256:1", ("run",), self.folder, None, 1, "")

    def path(self, *names: Any) -> Path:
        return self.folder / "log"

    async def start(self, launch: Launch) -> FakeContainer:
        if self.start_failures:
            raise self.start_failures.pop(0)
        self.started.append(FakeContainer(deaf=self.deaf))
        return self.started[-1]

    async def execute(self, launch: Launch, *, timeout_s: float) -> ExecResult:
        self.executed.append(launch.argv)
        return ExecResult(Exit(self.exec_code), "")

    async def sweep(self, pod_uid: str, container: str) -> None:
        self.swept.append(container)

    async def clean(self, pod_uid: str) -> None:
        self.cleaned.append(pod_uid)

    async def patch(self, kind: Any, ns: str, name: str, body: Obj) -> Obj:
        if self.refusals:
            raise self.refusals.pop(0)
        self.patches.append(body)
        bound = pod_obj()
        return {**bound, "spec": {**bound["spec"], **body["spec"]}}

    def say(self, about: Obj, note: Any, *, component: str) -> None:
        self.said.append(f"{note.reason}: {note.message}")

    def tools(self, *, free: bool = True) -> Tools:
        found: Any = self
        clock = SystemClock()
        return Tools(
            kube=found,
            cache=found,
            pods=ProcessPods(
                found,
                images=found,
                runtime=found,
                logs=found,
                folder=self.folder,
                path="/bin",
                is_free=lambda port: free,
            ),
            logs=LogStore(self.folder / "logs", clock=clock),
            drain=NoDrain(),
            recorder=found,
            clock=clock,
            node="here",
            stop_grace_s=0.2,
            folder=self.folder,
        )


def pod_obj(**spec: Any) -> Obj:
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", "resourceVersion": "7"},
        "spec": {
            "containers": [container],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 0,
            "nodeName": "here",
            **spec,
        },
    }


def worker(world: World, obj: Obj | None = None, **tools: Any) -> PodWorker:
    found = obj or pod_obj()
    return PodWorker(found, POD.view(found), world.tools(**tools))


def marked(obj: Obj, grace_s: int) -> Obj:
    meta = {
        **obj["metadata"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": grace_s,
    }
    return {**obj, "metadata": meta}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def tasks(anyio_backend: Any) -> AsyncIterator[Any]:
    async with anyio.create_task_group() as group:
        yield group
        group.cancel_scope.cancel()


async def test_the_first_status_has_everything(world: World, tasks: Any) -> None:
    one = worker(world)
    tasks.start_soon(one.run)
    await one.reported.wait()
    (status,) = world.statuses
    assert (status["phase"], status["podIP"]) == ("Running", "127.0.0.1")
    assert status["containerStatuses"][0]["ready"] is True


async def test_a_status_that_could_not_be_written_is_written_later(
    world: World, tasks: Any
) -> None:
    world.refusals = [Unreachable("down"), Unreachable("down")]
    one = worker(world)
    tasks.start_soon(one.run)
    await one.reported.wait()
    assert len(world.statuses) == 1


@pytest.mark.parametrize("refusal", [NotFound("gone"), Conflict("uid")])
async def test_a_status_nobody_wants_is_not_insisted_on(
    world: World, tasks: Any, refusal: Exception
) -> None:
    world.refusals = [refusal]
    one = worker(world)
    tasks.start_soon(one.run)
    await one.reported.wait()
    one.gone()
    await wait_until(lambda: world.cleaned)
    assert (world.statuses, world.deletes) == ([], [])


async def test_deletion_asks_then_insists_then_removes(world: World) -> None:
    world.deaf = True
    one = worker(world)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        one.update(marked(pod_obj(), 0))
    assert world.started[0].told == ["TERM", "KILL"]
    assert world.cleaned == ["u"]
    assert world.deletes == [{"uid": "u", "grace_s": 0}]


async def test_a_removal_is_tried_until_it_is_done(world: World) -> None:
    one = worker(world)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        world.refusals = [Unreachable("down")]
        one.update(marked(pod_obj(), 0))
    assert len(world.deletes) == 1


async def test_cancelled_it_ends_the_container_and_keeps_the_object(world: World) -> None:
    one = worker(world, pod_obj(terminationGracePeriodSeconds=300))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        tasks.cancel_scope.cancel()
    assert world.started[0].told == ["TERM"]
    assert world.cleaned == ["u"]
    assert world.deletes == []


async def test_cancelled_with_a_deaf_container(world: World) -> None:
    world.deaf = True
    one = worker(world, pod_obj(terminationGracePeriodSeconds=300))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        tasks.cancel_scope.cancel()
    assert world.started[0].told == ["TERM", "KILL"], "after the platform's own grace"


async def test_a_pod_found_already_marked_is_only_removed(world: World) -> None:
    obj = marked(pod_obj(), 30)
    await worker(world, obj).run()
    assert world.started == []
    assert world.cleaned == ["u"]
    assert len(world.deletes) == 1


async def test_a_finished_pod_waits_for_its_deletion(world: World, tasks: Any) -> None:
    one = worker(world, {**pod_obj(), "status": {"phase": "Succeeded"}})
    tasks.start_soon(one.run)
    await one.reported.wait()
    assert (world.started, world.statuses) == ([], [])
    one.gone()
    await wait_until(lambda: world.cleaned)


async def test_no_port_is_said(world: World, tasks: Any) -> None:
    one = worker(world, free=False)
    tasks.start_soon(one.run)
    await one.reported.wait()
    assert world.said == ["FailedCreatePodSandBox: no free port in 20000-29999 for another pod"]
    assert world.started == []


async def test_restarts_follow_ends(world: World, tasks: Any) -> None:
    one = worker(world)
    tasks.start_soon(one.run)
    await one.reported.wait()
    world.started[0].end(1)
    await wait_until(lambda: len(world.started) == 2)
    world.started[1].end(1)
    await wait_until(lambda: any("back-off 10s" in line for line in world.said))
    assert world.swept == ["c"], "before it was started again"
    await wait_until(lambda: world.statuses[-1]["containerStatuses"][0]["restartCount"] == 1)


def hooked(**lifecycle: Any) -> Obj:
    container = {"name": "c", "image": "i", "lifecycle": lifecycle}
    return pod_obj(containers=[container], terminationGracePeriodSeconds=5)


async def test_hooks_run_after_the_start_and_before_the_end(world: World) -> None:
    ends = {"exec": {"command": ["bye"]}}
    obj = hooked(postStart={"exec": {"command": ["hello"]}}, preStop=ends)
    one = worker(world, obj)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        assert world.executed == [("hello",)]
        one.update(marked(obj, 5))
    assert world.executed == [("hello",), ("bye",)]
    assert world.started[0].told == ["TERM"]


async def test_a_failed_first_hook_ends_the_container(world: World, tasks: Any) -> None:
    world.exec_code = 1
    obj = hooked(postStart={"exec": {"command": ["hello"]}})
    one = worker(world, obj)
    tasks.start_soon(one.run)
    await wait_until(lambda: len(world.started) == 2)
    assert world.started[0].told == ["TERM"]
    assert "FailedPostStartHook: PostStartHook failed" in world.said
    assert "Killing: FailedPostStartHook" in world.said


async def test_a_failed_last_hook_keeps_nobody(world: World) -> None:
    world.exec_code = 1
    obj = hooked(preStop={"exec": {"command": ["bye"]}})
    one = worker(world, obj)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        one.update(marked(obj, 5))
    assert "FailedPreStopHook: PreStopHook failed" in world.said
    assert world.started[0].told == ["TERM"]


async def test_a_hook_that_takes_the_whole_grace_period(world: World) -> None:
    obj = hooked(preStop={"sleep": {"seconds": 300}})
    one = worker(world, obj)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await one.reported.wait()
        one.update(marked(obj, 1))
    assert world.started[0].told == ["TERM"], "asked all the same"


async def test_sidecars_end_last(world: World) -> None:
    beside = [{"name": n, "image": "i", "restartPolicy": "Always"} for n in ("first", "second")]
    obj = pod_obj(initContainers=beside, terminationGracePeriodSeconds=5)
    one = worker(world, obj)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        await wait_until(lambda: len(world.started) == 3)
        one.update(marked(obj, 5))
    ends = [line for line in world.said if line.startswith("Killing")]
    assert ends == [f"Killing: Stopping container {name}" for name in ("c", "second", "first")]


async def test_a_place_that_has_ended_is_made_anew_and_what_ran_in_it_starts_again(
    world: World, tasks: Any
) -> None:
    spec = {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]}
    one = worker(world, pod_obj(**spec))
    tasks.start_soon(one.run)
    await one.reported.wait()
    world.start_failures.append(SandboxGone("sandbox-gone", "network gone"))
    world.started[0].end(1)
    await wait_until(lambda: len(world.started) == 4)
    assert world.started[1].told == ["KILL"]
    assert any(line.startswith("SandboxChanged: Pod sandbox changed") for line in world.said)


async def test_an_evicted_pod_ends_at_once_and_gives_back_its_disk(
    world: World, tasks: Any
) -> None:
    world.deaf = True
    one = worker(world)
    tasks.start_soon(one.run)
    await one.reported.wait()
    one.evict("too much. ")
    await wait_until(lambda: world.cleaned == ["u"])
    await wait_until(lambda: world.statuses[-1]["phase"] == "Failed")
    assert (world.statuses[-1]["reason"], world.statuses[-1]["message"]) == (
        "Evicted",
        "too much. ",
    )
    assert world.started[0].told == ["KILL"]
    assert "Evicted: too much. " in world.said
    assert one.finished
    assert len(world.started) == 1
