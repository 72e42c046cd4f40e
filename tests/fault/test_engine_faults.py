"""The engine reaches the same world, however bad the connection to the API server is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import anyio
import pytest
from pydantic import Field

from tanebi.api.core.kinds import CONFIG_MAP, NAMESPACE
from tanebi.api.kind import Configs, Kind
from tanebi.api.meta import Model, Obj, Resource, controller_of, owner_reference
from tanebi.base.rng import system_rng
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.engine import Engine
from tanebi.kube.errors import NotFound
from tanebi.kube.faulty import LINE_FAULTS, Chooser, Fault, FaultyTransport, Odds, scripted
from tanebi.kube.plan import Plan, Seen
from tanebi.testing.control import NS, ControlPlane, control_plane
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

SHARE = 0.15
WAIT_S = 30.0


class ThingSpec(Model):
    parts: list[str] = Field(default_factory=list)
    version: int = 0


class Thing(Resource):
    spec: ThingSpec = Field(default_factory=ThingSpec)
    status: dict[str, int] = Field(default_factory=dict)


THING = Kind("tanebi.dev", "v1", "Thing", "things", Thing)


class Things:
    kind = THING
    owns = (CONFIG_MAP,)
    reads = ()

    def desired(self, resource: Thing, seen: Seen, configs: Configs, now: datetime) -> Plan:
        return Plan(
            children=tuple(_part(resource, part) for part in resource.spec.parts),
            status={
                "observedGeneration": resource.metadata.generation,
                "parts": len(resource.spec.parts),
            },
        )


def _part(owner: Thing, part: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{owner.metadata.name}-{part}",
            "namespace": owner.metadata.namespace,
            "ownerReferences": [owner_reference(owner)],
        },
        "data": {"version": str(owner.spec.version)},
    }


class World:
    """An engine behind a bad connection, and a person with a good one."""

    def __init__(
        self,
        control: ControlPlane,
        choose: Chooser,
        *,
        line_faults: tuple[Fault, ...] = LINE_FAULTS,
        relist_s: float = 1800.0,
    ) -> None:
        self.control = control
        self.person = control.kube.as_manager("person")
        self.faulty = FaultyTransport(
            control.transport, choose, clock=control.clock, line_faults=line_faults
        )
        kube = Kube(self.faulty, field_manager="tanebi")
        self.cache = Cache(kube, control.clock, relist_s=relist_s)
        configs = LiveConfigs(self.cache, [])
        self.engine = Engine(kube, self.cache, configs, control.clock, system_rng(2))
        self.engine.add(Things())

    async def start(self) -> None:
        await self.control.tasks.start(self.cache.run)
        await self.control.tasks.start(self.engine.run)

    async def want(self, name: str, parts: Sequence[str], version: int) -> None:
        spec = {"parts": list(parts), "version": version}
        thing = {
            "apiVersion": "tanebi.dev/v1",
            "kind": "Thing",
            "metadata": {"name": name, "namespace": NS},
            "spec": spec,
        }
        try:
            await self.person.patch(THING, NS, name, {"spec": spec})
        except NotFound:
            await self.person.create(THING, thing)

    async def converged(self) -> bool:
        """Each thing has its parts, of its version, and says so; nothing else is there."""
        things = (await self.person.list(THING, NS)).items
        maps = [o for o in (await self.person.list(CONFIG_MAP, NS)).items if controller_of(o)]
        wanted = {
            (t["metadata"]["name"], f"{t['metadata']['name']}-{part}", str(t["spec"]["version"]))
            for t in things
            for part in t["spec"]["parts"]
        }
        found = {
            ((controller_of(o) or {})["name"], o["metadata"]["name"], o["data"]["version"])
            for o in maps
        }
        statuses = [
            t.get("status")
            == {
                "observedGeneration": t["metadata"]["generation"],
                "parts": len(t["spec"]["parts"]),
            }
            for t in things
        ]
        return found == wanted and all(statuses)

    async def until_converged(self) -> None:
        await wait_until(self.converged, WAIT_S, what="the world to be as wished")

    async def until_quiet(self) -> None:
        """Converged, and nothing is written any more."""
        store = self.control.server.store
        while True:
            before = store.revision
            await anyio.sleep(0.1)
            if store.revision == before and await self.converged():
                return


async def play(world: World) -> None:
    """Things come, change and go while the connection is bad."""
    await world.start()
    for index in range(6):
        await world.want(f"t{index}", ["a", "b"], 1)
    for index in range(6):
        await world.want(f"t{index}", ["b", "c"] if index % 2 else ["a"], 2)
        await anyio.sleep(0.01)
    await world.person.delete(THING, NS, "t0")
    with suppress(NotFound):  # it may not have come yet
        await world.person.delete(CONFIG_MAP, NS, "t1-c")
    await world.until_converged()


@pytest.mark.parametrize("seed", range(5))
async def test_it_converges_under_every_fault(tmp_path: Path, seed: int) -> None:
    odds = Odds(system_rng(seed), SHARE)
    async with control_plane(tmp_path, kinds=[THING]) as control:
        world = World(control, odds)
        await play(world)
        assert world.faulty.happened, "nothing went wrong: the test shows nothing"
        odds.heal()
        await world.until_quiet()


@pytest.mark.parametrize(
    "fault",
    [Fault.CONFLICT, Fault.UNAVAILABLE, Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.SLOW],
)
async def test_it_converges_under_one_kind_of_fault_on_requests(
    tmp_path: Path, fault: Fault
) -> None:
    rng = system_rng(7)

    def choose(possible: tuple[Fault, ...]) -> Fault:
        return fault if fault in possible and rng.random() < SHARE else Fault.NONE

    async with control_plane(tmp_path, kinds=[THING]) as control:
        world = World(control, choose)
        await play(world)
        assert set(world.faulty.happened) == {fault}


@pytest.mark.parametrize("fault", [Fault.GONE, Fault.BREAK, Fault.DUPLICATE])
async def test_it_converges_under_one_kind_of_fault_on_watches(
    tmp_path: Path, fault: Fault
) -> None:
    rng = system_rng(7)

    def choose(possible: tuple[Fault, ...]) -> Fault:
        return fault if fault in possible and rng.random() < SHARE else Fault.NONE

    async with control_plane(tmp_path, kinds=[THING]) as control:
        world = World(control, choose)
        await play(world)
        if fault is Fault.GONE:
            await world.until_quiet()
        else:
            assert set(world.faulty.happened) == {fault}


async def test_a_line_lost_without_a_trace_is_found_by_a_relist(tmp_path: Path) -> None:
    rng = system_rng(7)

    def choose(possible: tuple[Fault, ...]) -> Fault:
        return Fault.DROP if Fault.DROP in possible and rng.random() < 0.5 else Fault.NONE

    async with control_plane(tmp_path, kinds=[THING]) as control:
        world = World(control, choose, line_faults=(Fault.DROP,), relist_s=1.0)
        await play(world)
        assert Fault.DROP in world.faulty.happened


async def test_a_create_whose_answer_was_lost_is_not_made_twice(tmp_path: Path) -> None:
    async with control_plane(tmp_path, kinds=[THING]) as control:
        world = World(control, scripted([]))
        await world.start()
        world.faulty._choose = scripted([Fault.LOST_ANSWER])
        await world.want("t", ["a"], 1)
        await world.until_quiet()
        assert world.faulty.happened == [Fault.LOST_ANSWER]
        made = (await world.person.list(CONFIG_MAP, NS)).items
        assert [o["metadata"]["name"] for o in made if controller_of(o)] == ["t-a"]


async def test_the_engine_survives_a_namespace_that_goes(tmp_path: Path) -> None:
    async with control_plane(tmp_path, kinds=[THING], namespaces=[NS, "doomed"]) as control:
        world = World(control, Odds(system_rng(3), 0.1))
        await world.start()
        thing = {
            "apiVersion": "tanebi.dev/v1",
            "kind": "Thing",
            "metadata": {"name": "t", "namespace": "doomed"},
            "spec": {"parts": ["a", "b"], "version": 1},
        }
        await world.person.create(THING, thing)
        await world.person.delete(NAMESPACE, "", "doomed")

        async def gone() -> bool:
            left = await world.person.list(CONFIG_MAP, "doomed")
            return not left.items and not (await world.person.list(THING, "doomed")).items

        await wait_until(gone, WAIT_S)
        await world.want("t", ["a"], 1)
        await world.until_converged()
