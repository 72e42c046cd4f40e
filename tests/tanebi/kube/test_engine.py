from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import Field

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, EVENT, SECRET
from tanebi.api.kind import ConfigKind, Configs, Kind
from tanebi.api.meta import Key, Model, Obj, Resource, owner_reference
from tanebi.base.rng import system_rng
from tanebi.kube.cache import Cache
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.diff import DESIRED_HASH
from tanebi.kube.engine import Engine
from tanebi.kube.errors import NotFound, ServiceUnavailable
from tanebi.kube.plan import Invalid, Note, Patch, Plan, Reads, Seen, Wait
from tanebi.testing.control import NS, ControlPlane, control_plane
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class ThingSpec(Model):
    parts: list[str] = Field(default_factory=list)
    mood: str = ""


class ThingStatus(Model):
    observed_generation: int = 0
    parts: int = 0
    greeting: str = ""


class Thing(Resource):
    """A resource that wants one ConfigMap a part."""

    spec: ThingSpec = Field(default_factory=ThingSpec)
    status: ThingStatus = Field(default_factory=ThingStatus)


THING = Kind("tanebi.dev", "v1", "Thing", "things", Thing)
GREETING: ConfigKind[str] = ConfigKind(
    NS, "greeting", lambda data: _word(data.get("word", "hello")), data={}
)


def _word(text: str) -> str:
    if not text.isalpha():
        raise ValueError(f"word: {text!r} is no word")
    return text


class Things:
    """The reconciler under test. `extra` changes the plan of a test."""

    kind = THING
    owns = (CONFIG_MAP,)
    reads = (
        Reads(
            SECRET, lambda obj, seen: [Key(obj["metadata"]["namespace"], obj["metadata"]["name"])]
        ),
    )

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.running = 0
        self.extra: Callable[[Thing, Seen, Plan], Plan] = lambda thing, seen, plan: plan

    def desired(self, resource: Thing, seen: Seen, configs: Configs, now: datetime) -> Plan:
        self.runs.append(resource.metadata.name)
        match resource.spec.mood:
            case "waiting":
                raise Wait("not yet", retry_after_s=0.02)
            case "invalid":
                raise Invalid("never like this")
            case "broken" if len(self.runs) < 4:
                raise RuntimeError("a bug")
            case "refused" if len(self.runs) < 4:
                raise ServiceUnavailable("the disk is full")
        plan = Plan(
            children=tuple(_part(resource, part) for part in resource.spec.parts),
            status={
                "observedGeneration": resource.metadata.generation,
                "parts": len(resource.spec.parts),
                "greeting": configs.get(GREETING),
            },
        )
        return self.extra(resource, seen, plan)


def _part(owner: Thing, part: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{owner.metadata.name}-{part}",
            "namespace": owner.metadata.namespace,
            "labels": {"part": part},
            "ownerReferences": [owner_reference(owner)],
        },
        "data": {"part": part},
    }


def thing(name: str = "t", *parts: str, mood: str = "") -> Obj:
    return {
        "apiVersion": "tanebi.dev/v1",
        "kind": "Thing",
        "metadata": {"name": name, "namespace": NS},
        "spec": {"parts": list(parts), "mood": mood},
    }


class World:
    def __init__(self, control: ControlPlane) -> None:
        self.kube = control.kube.as_manager("person")
        self.control = control
        self.cache = Cache(control.kube, control.clock)
        self.configs = LiveConfigs(self.cache, [GREETING])
        self.engine = Engine(control.kube, self.cache, self.configs, control.clock, system_rng(1))
        self.things = Things()
        self.engine.add(self.things)

    async def start(self) -> None:
        await self.control.tasks.start(self.cache.run)
        await self.control.tasks.start(self.engine.run)

    async def parts(self, name: str = "t") -> list[str]:
        found = await self.kube.list(CONFIG_MAP, NS, labels="part")
        return [
            o["metadata"]["name"] for o in found.items if o["metadata"]["name"].startswith(name)
        ]

    async def until_parts(self, *names: str) -> None:
        async def there() -> bool:
            return sorted(await self.parts()) == sorted(names)

        await wait_until(there, what=f"parts {names}")

    async def status(self, name: str = "t") -> Obj:
        found: Obj = (await self.kube.get(THING, NS, name)).get("status") or {}
        return found

    async def until_status(self, **wanted: Any) -> None:
        async def there() -> bool:
            return (await self.status()).items() >= wanted.items()

        await wait_until(there, what=f"status {wanted}")

    async def settled(self) -> int:
        """The store's revision once nothing is written any more."""
        while True:
            before = self.control.server.store.revision
            await anyio.sleep(0.05)
            if self.control.server.store.revision == before:
                return before


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with control_plane(tmp_path, kinds=[THING]) as control:
        yield World(control)


async def test_children_come_and_status_is_last(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a", "b"))
    await world.until_parts("t-a", "t-b")
    await world.until_status(parts=2, observedGeneration=1, greeting="hello")
    child = await world.kube.get(CONFIG_MAP, NS, "t-a")
    assert child["data"] == {"part": "a"}
    assert DESIRED_HASH in child["metadata"]["annotations"]


async def test_what_was_there_before_the_start_is_reconciled(world: World) -> None:
    await world.kube.create(THING, thing("t", "a"))
    await world.start()
    await world.until_parts("t-a")


async def test_a_settled_world_is_left_alone(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a", "b"))
    await world.until_status(parts=2)
    revision = await world.settled()
    runs = len(world.things.runs)
    world.engine.enqueue(THING, Key(NS, "t"))
    await wait_until(lambda: len(world.things.runs) > runs)
    assert await world.settled() == revision


async def test_children_that_are_not_named_any_more_go(world: World) -> None:
    await world.start()
    created = await world.kube.create(THING, thing("t", "a", "b"))
    await world.until_parts("t-a", "t-b")
    await world.kube.patch(THING, NS, "t", {"spec": {"parts": ["b"]}})
    await world.until_parts("t-b")
    await world.until_status(parts=1, observedGeneration=2)
    assert created["metadata"]["generation"] == 1


async def test_without_pruning_they_stay(world: World) -> None:
    world.things.extra = lambda resource, seen, plan: Plan(status=plan.status, prune=False)
    await world.start()
    owner = await world.kube.create(THING, thing("t"))
    await world.kube.create(CONFIG_MAP, _part(THING.view(owner), "kept"))
    runs = len(world.things.runs)
    await wait_until(lambda: len(world.things.runs) > runs or runs > 1)
    await world.settled()
    assert await world.parts() == ["t-kept"]


async def test_a_child_that_somebody_deleted_comes_back(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a"))
    await world.until_parts("t-a")
    first = await world.kube.get(CONFIG_MAP, NS, "t-a")
    await world.kube.delete(CONFIG_MAP, NS, "t-a")

    async def back() -> bool:
        try:
            found = await world.kube.get(CONFIG_MAP, NS, "t-a")
        except NotFound:
            return False
        return bool(found["metadata"]["uid"] != first["metadata"]["uid"])

    await wait_until(back)


async def test_drift_is_mended_and_strangers_labels_stay(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a"))
    await world.until_parts("t-a")
    change = {"data": {"part": "wrong"}, "metadata": {"labels": {"team": "x"}}}
    await world.kube.patch(CONFIG_MAP, NS, "t-a", change)

    async def mended() -> bool:
        found = await world.kube.get(CONFIG_MAP, NS, "t-a")
        assert found["metadata"]["labels"]["team"] == "x"
        return bool(found["data"] == {"part": "a"})

    await wait_until(mended)


async def test_an_object_of_another_is_never_touched(world: World) -> None:
    await world.start()
    foreign = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "t-a", "namespace": NS},
        "data": {"mine": "1"},
    }
    before = await world.kube.create(CONFIG_MAP, foreign)
    await world.kube.create(THING, thing("t", "a", "b"))
    await world.until_status(parts=2)
    assert await world.kube.get(CONFIG_MAP, NS, "t-a") == before

    async def said() -> list[str]:
        events = await world.kube.list(EVENT, NS)
        return [e["message"] for e in events.items if e["reason"] == "NotOwned"]

    assert await wait_until(said) == ['There is an existing ConfigMap "t-a" that we do not own.']


async def test_waiting_runs_again_by_itself(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing(mood="waiting"))
    await wait_until(lambda: len(world.things.runs) >= 3)
    assert await world.status() == {}


async def test_invalid_is_said_and_not_retried(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing(mood="invalid"))

    async def said() -> list[str]:
        return [e["message"] for e in (await world.kube.list(EVENT, NS)).items]

    assert await wait_until(said) == ["never like this"]
    await world.settled()
    assert len(world.things.runs) == 1


async def test_a_bug_backs_off_and_recovers(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a", mood="broken"))
    await world.until_parts("t-a")
    assert len(world.things.runs) >= 4


async def test_what_is_refused_again_and_again_is_said_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", "a", mood="refused"))
    await world.until_parts("t-a")
    assert len(world.things.runs) >= 4
    assert capsys.readouterr().out.count("the disk is full") == 1


async def test_what_changes_after_the_end_is_not_worked_on_and_not_an_error(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.control.tasks.start(world.cache.run)
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.engine.run)
        tasks.cancel_scope.cancel()
    await world.kube.create(THING, thing("late", "a"))
    await wait_until(lambda: world.cache.raw(THING, NS, "late") is not None)
    await world.settled()
    assert world.things.runs == []
    assert "Traceback" not in capsys.readouterr().out


async def test_settings_take_effect_at_once_and_bad_ones_do_not(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t"))
    await world.until_status(greeting="hello")
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "greeting", "namespace": NS},
        "data": {"word": "moin"},
    }
    await world.kube.create(CONFIG_MAP, settings)
    await world.until_status(greeting="moin")
    await world.kube.patch(CONFIG_MAP, NS, "greeting", {"data": {"word": "1 2"}})
    await world.settled()
    world.engine.enqueue(THING, Key(NS, "t"))
    await world.until_status(greeting="moin")
    await world.kube.delete(CONFIG_MAP, NS, "greeting")
    await world.until_status(greeting="hello")


async def test_what_is_read_wakes_the_reader(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t"))
    await world.until_status(parts=0)
    await world.settled()
    runs = len(world.things.runs)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t", "namespace": NS}}
    await world.kube.create(SECRET, secret)
    await wait_until(lambda: len(world.things.runs) > runs)


async def test_patches_and_notes_of_a_plan(world: World) -> None:
    patch = Patch(CONFIG_MAP, NS, "other", {"metadata": {"labels": {"seen": "yes"}}})
    note = Note("Normal", "Greeted", "hello there")

    def extra(resource: Thing, seen: Seen, plan: Plan) -> Plan:
        return Plan(status=plan.status, events=(note,), patches=(patch,))

    world.things.extra = extra
    other = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "other", "namespace": NS},
    }
    await world.kube.create(CONFIG_MAP, other)
    await world.start()
    await world.kube.create(THING, thing("t"))

    async def labelled() -> bool:
        found = await world.kube.get(CONFIG_MAP, NS, "other")
        return bool(found["metadata"].get("labels") == {"seen": "yes"})

    await wait_until(labelled)
    revision = await world.settled()
    for _ in range(3):
        world.engine.enqueue(THING, Key(NS, "t"))
        await world.settled()
    assert await world.settled() == revision, "a patch or a note was repeated"
    events = (await world.kube.list(EVENT, NS)).items
    assert [(e["reason"], e["count"]) for e in events] == [("Greeted", 1)]


async def test_a_deleted_resource_is_forgotten(world: World) -> None:
    await world.start()
    await world.kube.create(THING, thing("t", mood="waiting"))
    await wait_until(lambda: len(world.things.runs) >= 2)
    await world.kube.delete(THING, NS, "t")
    await wait_until(lambda: world.cache.raw(THING, NS, "t") is None)
    await anyio.sleep(0.05)
    runs = len(world.things.runs)
    await anyio.sleep(0.1)
    assert len(world.things.runs) == runs


async def test_replicas_belong_to_who_scales(world: World) -> None:
    """Scaling a child causes no write by its owner, and a change of the wish keeps the scale."""
    world.things.owns = (DEPLOYMENT,)  # type: ignore[assignment]
    image = ["one"]

    def extra(resource: Thing, seen: Seen, plan: Plan) -> Plan:
        return Plan(children=(_deployment(resource, image[0]),))

    world.things.extra = extra
    world.engine = Engine(
        world.control.kube, world.cache, world.configs, world.control.clock, system_rng(1)
    )
    world.engine.add(world.things)
    await world.start()
    await world.kube.create(THING, thing("t"))

    async def deployed() -> Obj | None:
        try:
            return await world.kube.get(DEPLOYMENT, NS, "t-deployment")
        except NotFound:
            return None

    await wait_until(deployed)
    scale = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    await world.kube.patch(DEPLOYMENT, NS, "t-deployment", scale, type="json", subresource="scale")
    scaled = await world.kube.get(DEPLOYMENT, NS, "t-deployment")
    await world.settled()
    assert await deployed() == scaled
    image[0] = "two"
    world.engine.enqueue(THING, Key(NS, "t"))

    async def updated() -> Obj | None:
        found = await deployed()
        containers = (found or {})["spec"]["template"]["spec"]["containers"]
        return found if containers[0]["image"] == "two" else None

    found = await wait_until(updated)
    assert found is not None
    assert found["spec"]["replicas"] == 3


def _deployment(owner: Thing, image: str) -> Obj:
    labels = {"app": owner.metadata.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"{owner.metadata.name}-deployment",
            "namespace": owner.metadata.namespace,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    }


async def test_a_write_follows_its_event_without_a_tick(world: World) -> None:
    """From the write that asks for a child to the child: two commits and some task switches, p50 of 20."""
    await world.start()
    took = []
    for index in range(20):
        name = f"t{index}"
        began = time.perf_counter()
        await world.kube.create(THING, thing(name, "a"))
        while world.cache.raw(CONFIG_MAP, NS, f"{name}-a") is None:
            await anyio.lowlevel.checkpoint()
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < 0.05


async def test_a_patient_reconciler_answers_many_echoes_at_once(world: World) -> None:
    patient = Things()
    world.engine.add(patient, patient=True)
    await world.start()
    await world.kube.create(THING, thing("t"))
    await world.settled()
    runs = len(patient.runs)
    world.engine.quiet.touch(lasting_s=0.05)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t", "namespace": NS}}
    await world.kube.create(SECRET, secret)
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            labels = {"metadata": {"labels": {"number": f"{number}"}}}
            tasks.start_soon(world.kube.patch, SECRET, NS, "t", labels)
    await wait_until(lambda: len(patient.runs) > runs)
    await world.settled()
    assert len(patient.runs) < runs + 5


async def test_a_changed_wish_does_not_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanebi.kube.quiet.WAIT_MAX_S", 60.0)
    patient = Things()
    world.engine.add(patient, patient=True)
    await world.start()
    await world.kube.create(THING, thing("t"))
    await world.settled()
    runs = len(patient.runs)
    world.engine.quiet.touch(lasting_s=60.0)
    await world.kube.patch(THING, NS, "t", {"spec": {"parts": ["a"]}})
    await wait_until(lambda: len(patient.runs) > runs)
