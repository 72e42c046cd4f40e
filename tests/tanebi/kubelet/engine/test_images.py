"""Images: what is here, what is pulled, and what is never looked up elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine.errors import EngineError
from tanebi.kubelet.engine.images import EngineImage, EngineImages, is_local_only
from tanebi.kubelet.engine.pulling import advised
from tanebi.kubelet.images import Missing
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

APP: Obj = {
    "Id": "sha256:1",
    "RepoDigests": ["other/app@sha256:9", "example.com/app@sha256:2"],
    "Config": {"Entrypoint": ["/app"], "Cmd": None, "Env": ["A=1"], "User": "5"},
}


@dataclass
class Engine:
    """`has` is there now, `remote` can be pulled."""

    has: dict[str, Obj] = field(default_factory=dict)
    remote: dict[str, Obj] = field(default_factory=dict)
    pulled: list[str] = field(default_factory=list)
    gate: anyio.Event | None = None

    async def image(self, ref: str) -> Obj | None:
        return self.has.get(ref)

    @asynccontextmanager
    async def pull(self, ref: str, auth: str = "") -> AsyncIterator[AsyncIterator[Obj]]:
        self.pulled.append(ref)
        if ref == "refused:latest":
            raise EngineError(500, "pull access denied")
        yield self._lines(ref)

    async def _lines(self, ref: str) -> AsyncIterator[Obj]:
        if self.gate is not None:
            await self.gate.wait()
        yield {"status": "Pulling"}
        if ref not in self.remote:
            yield {"error": "manifest unknown"}
        else:
            self.has[ref.removesuffix(":latest")] = self.remote[ref]

    def images(self) -> EngineImages:
        async def connect() -> Any:
            return self

        return EngineImages(connect, SystemClock())


async def test_an_image_that_is_here_is_not_pulled() -> None:
    engine = Engine({"example.com/app": APP})
    found = await engine.images().resolve("example.com/app")
    assert isinstance(found, EngineImage)
    assert found.reference == "example.com/app@sha256:2"
    assert (found.entrypoint, found.command, found.user) == (("/app",), (), "5")
    assert engine.pulled == []


@pytest.mark.parametrize("ref", ["dev.local/app", "ko.local/a/b:1", "kind.local/x@sha256:1"])
async def test_local_names_are_never_looked_up(ref: str) -> None:
    engine = Engine()
    assert is_local_only(ref)
    found = await engine.images().resolve(ref, policy="Always")
    assert isinstance(found, Missing)
    assert "tanebi image build" in found.message
    assert engine.pulled == []


async def test_a_pull_and_its_policies() -> None:
    engine = Engine(remote={"example.com/app:latest": APP})
    images = engine.images()
    refused = await images.resolve("example.com/app", policy="Never")
    assert isinstance(refused, Missing)
    assert isinstance(await images.resolve("example.com/app"), EngineImage)
    assert isinstance(await images.resolve("example.com/app"), EngineImage)
    assert len(engine.pulled) == 1
    await images.resolve("example.com/app", policy="Always")
    assert len(engine.pulled) == 2


@pytest.mark.parametrize(
    ("ref", "why"), [("nobody/app", "manifest unknown"), ("refused", "pull access denied")]
)
async def test_a_pull_that_fails_says_why(ref: str, why: str) -> None:
    found = await Engine().images().resolve(ref, policy="Always")
    assert found == Missing(advised(why))
    assert found.message.startswith(f"{why} (")


async def test_always_means_that_the_registry_has_it() -> None:
    engine = Engine({"nobody/app": APP})
    assert isinstance(await engine.images().resolve("nobody/app", policy="Always"), Missing)
    assert isinstance(await engine.images().resolve("nobody/app"), EngineImage)


@pytest.mark.parametrize("ref", ["example.com/none", "dev.local/none"])
async def test_never_means_here_or_not_at_all(ref: str) -> None:
    engine = Engine()
    found = await engine.images().resolve(ref, policy="Never")
    text = f'Container image "{ref}" is not present with pull policy of Never'
    assert found == Missing(text, "ErrImageNeverPull")
    assert engine.pulled == []


async def test_a_name_that_is_none() -> None:
    found = await Engine().images().resolve("Bad/Name:1")
    assert isinstance(found, Missing)
    assert found.reason == "InvalidImageName"


async def test_what_is_told_of_a_pull() -> None:
    engine = Engine(remote={"example.com/app:latest": {**APP, "Size": 7}})
    images, said = engine.images(), []
    for _ in range(2):
        await images.resolve("example.com/app", say=said.append)
    assert [note.reason for note in said] == ["Pulling", "Pulled", "Pulled"]
    assert said[1].message.endswith("including waiting). Image size: 7 bytes.")
    assert said[2].message.endswith("already present on machine")


async def answered(engine: Engine, ref: str, policy: str = "") -> EngineImage | Missing | None:
    images, told = engine.images(), anyio.Event()
    images.subscribe(told.set)
    async with anyio.create_task_group() as tasks:
        images.serve(tasks)
        images.lookup(ref, policy=policy)
        with anyio.fail_after(5):
            await told.wait()
        return images.lookup(ref, policy=policy)


@pytest.mark.parametrize(
    ("ref", "policy", "pulls"),
    [
        ("example.com/app", "", 1),
        ("example.com/app:latest", "", 1),
        ("example.com/app:1", "", 0),
        ("example.com/app:1", "Always", 1),
        ("example.com/app", "IfNotPresent", 0),
        ("example.com/app", "Never", 0),
        ("dev.local/app", "", 0),
    ],
)
async def test_when_a_new_revision_asks_the_registry(ref: str, policy: str, pulls: int) -> None:
    name = f"{ref}:latest" if ref.endswith("app") else ref
    engine = Engine({ref: APP}, remote={name: APP})
    assert isinstance(await answered(engine, ref, policy), EngineImage)
    assert len(engine.pulled) == pulls


async def test_a_registry_that_does_not_answer_keeps_nobody_from_what_is_here() -> None:
    assert isinstance(await answered(Engine({"nobody/app": APP}), "nobody/app"), EngineImage)
    assert isinstance(await answered(Engine({"nobody/app": APP}), "nobody/app", "Always"), Missing)


async def test_who_waited_for_a_pull_that_failed_knows_why() -> None:
    engine, found = Engine(gate=anyio.Event()), []
    images = engine.images()

    async def ask() -> None:
        found.append(await images.resolve("nobody/app"))

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(ask)
        await wait_until(lambda: engine.pulled)
        assert engine.gate is not None
        engine.gate.set()
    assert found == [Missing(advised("manifest unknown"))] * 2


async def test_one_pull_for_all_who_ask() -> None:
    engine = Engine(remote={"example.com/app:latest": APP}, gate=anyio.Event())
    images, found = engine.images(), []

    async def ask() -> None:
        found.append(await images.resolve("example.com/app"))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
        await wait_until(lambda: engine.pulled)
        assert engine.gate is not None
        engine.gate.set()
    assert len(engine.pulled) == 1
    assert all(isinstance(one, EngineImage) for one in found)


async def test_facts_come_later_and_are_told() -> None:
    engine = Engine({"example.com/app": APP})
    images, told = engine.images(), []
    images.subscribe(lambda: told.append(1))
    assert images.lookup("example.com/app") is None, "nobody answers yet"
    async with anyio.create_task_group() as tasks:
        images.serve(tasks)
        assert images.lookup("example.com/app") is None
        await wait_until(lambda: told)
        assert isinstance(images.lookup("example.com/app"), EngineImage)
    assert told == [1]


async def test_the_answer_to_one_login_is_not_that_to_another() -> None:
    engine = Engine()
    images, told = engine.images(), []
    images.subscribe(lambda: told.append(1))
    async with anyio.create_task_group() as tasks:
        images.serve(tasks)
        assert images.lookup("example.com/app") is None
        await wait_until(lambda: told)
        assert isinstance(images.lookup("example.com/app"), Missing)
        assert images.lookup("example.com/app", "me") is None, "another question"
        await wait_until(lambda: len(told) == 2)
        assert isinstance(images.lookup("example.com/app", "me"), Missing)
        images.forget("example.com/app")
        assert images.lookup("example.com/app", "me") is None


@pytest.mark.parametrize("ref", ["dev.local/app", "dev.local/app@sha256:1"])
async def test_the_first_answer_is_told_also_of_what_is_pinned(ref: str) -> None:
    engine = Engine({ref: APP})
    images, told = engine.images(), anyio.Event()
    images.subscribe(told.set)
    async with anyio.create_task_group() as tasks:
        images.serve(tasks)
        assert images.lookup(ref) is None
        with anyio.fail_after(5):
            await told.wait()
        assert isinstance(images.lookup(ref), EngineImage)
