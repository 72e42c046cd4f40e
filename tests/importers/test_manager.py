"""The manager on a real API server: sources come, change, fail and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from importers.api.importer import Context, Importer
from importers.api.source_kind import source_kind
from importers.api.source_types import Source, SourceSpec
from importers.checkpoint import Checkpoints
from importers.context import Tools
from importers.manager import ImporterManager
from importers.registry import Installed
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kube.cache import Cache
from tanebi.testing.control import ControlPlane, control_plane
from tanebi.testing.sender import ScriptedSender
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class ProbeSpec(SourceSpec):
    v: int = 0


class ProbeSource(Source):
    spec: ProbeSpec = ProbeSpec()


class Probe(Importer):
    """Says what happens to it."""

    kind = source_kind("ProbeSource", ProbeSource)
    Settings = ProbeSpec
    emits = ("probe",)
    log: ClassVar[list[str]] = []
    fails: ClassVar[int] = 0

    @classmethod
    def attributes(cls, source: Source) -> list[tuple[str, str]]:
        return []

    async def run(self, ctx: Context) -> None:
        assert isinstance(self.source, ProbeSource)
        name = f"{self.source.metadata.name}:{self.source.spec.v}"
        self.log.append(f"start {name}")
        try:
            if Probe.fails:
                Probe.fails -= 1
                raise RuntimeError("out of order")
            await ctx.save(name)
            await anyio.sleep_forever()
        finally:
            self.log.append(f"stop {name}")


def source(name: str, value: int, *, sink: str = "http://sink.example/") -> Obj:
    return {
        "apiVersion": Probe.kind.api_version,
        "kind": Probe.kind.kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"sink": {"uri": sink}, "v": value},
    }


class Rig:
    def __init__(self, plane: ControlPlane, manager: ImporterManager, folder: Path) -> None:
        self.plane = plane
        self.manager = manager
        self.folder = folder

    async def create(self, obj: Obj, *, sink: str = "http://sink.example/") -> Obj:
        made = await self.plane.kube.create(Probe.kind, obj)
        return await self.resolve(made, sink=sink)

    async def resolve(self, made: Obj, *, sink: str) -> Obj:
        return await self.plane.kube.update_status(
            Probe.kind, {**made, "status": {"sinkUri": sink} if sink else {}}
        )

    async def logged(self, *lines: str) -> None:
        await wait_until(lambda: Probe.log == list(lines), what=f"{lines}")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Rig]:
    Probe.log.clear()
    Probe.fails = 0
    async with control_plane(folder, kinds=(Probe.kind,)) as plane:
        cache = Cache(plane.kube, plane.clock)
        tools = Tools(ScriptedSender(), SystemClock(), plane.rng, Checkpoints(folder / "points"))
        installed = [Installed("probe", Probe, "", "")]
        manager = ImporterManager(installed, cache=cache, tools=tools)
        await plane.tasks.start(cache.run)
        await plane.tasks.start(manager.run)
        yield Rig(plane, manager, folder / "points")


async def test_a_source_runs_when_its_sink_is_known_and_ends_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        made = await rig.create(source("a", 1), sink="")
        await anyio.sleep(0.05)
        assert rig.manager.running == 0
        made = await rig.resolve(made, sink="http://sink.example/")
        await rig.logged("start a:1")
        await wait_until(lambda: list(rig.folder.glob("*.json")))
        await rig.plane.kube.delete(Probe.kind, "default", "a")
        await rig.logged("start a:1", "stop a:1")
        await wait_until(lambda: not list(rig.folder.glob("*.json")), what="checkpoint dropped")
    assert made["metadata"]["name"] == "a"


async def test_a_changed_source_starts_anew_after_the_old_one_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        made = await rig.create(source("a", 1))
        await rig.logged("start a:1")
        await rig.plane.kube.update(Probe.kind, {**made, "spec": source("a", 2)["spec"]})
        await rig.logged("start a:1", "stop a:1", "start a:2")


async def test_a_status_that_says_nothing_new_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        made = await rig.create(source("a", 1))
        await rig.logged("start a:1")
        status: dict[str, Any] = {"sinkUri": "http://sink.example/", "observedGeneration": 1}
        await rig.plane.kube.update_status(Probe.kind, {**made, "status": status})
        await anyio.sleep(0.05)
        assert Probe.log == ["start a:1"]


async def test_a_failure_is_retried_and_does_not_touch_others(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.create(source("good", 1))
        await rig.logged("start good:1")
        Probe.fails = 1
        await rig.create(source("bad", 1))
        await wait_until(lambda: Probe.log.count("start bad:1") == 2, 5)
        assert "stop good:1" not in Probe.log


async def test_checkpoints_of_sources_deleted_while_down_are_dropped(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "points").save("long-gone", 1)
    async with running(tmp_path) as rig:
        assert list(rig.folder.glob("*.json")) == []


async def test_stopping_stops_every_source_at_once(tmp_path: Path) -> None:
    clock = SystemClock()
    async with running(tmp_path) as rig:
        for name in ("a", "b", "c"):
            await rig.create(source(name, 1))
        await wait_until(lambda: len(Probe.log) == 3)
        before = clock.now()
    assert clock.now() - before < 1
    assert sorted(Probe.log)[3:] == ["stop a:1", "stop b:1", "stop c:1"]
