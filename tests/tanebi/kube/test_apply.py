"""What one pass writes, and what it does when a write meets something else than the cache told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from tanebi.api.core.kinds import CONFIG_MAP, SECRET
from tanebi.api.kind import Configs, Kind
from tanebi.api.meta import Key, Obj, Resource, owner_reference
from tanebi.kube.apply import CONFLICTS_MAX, Applier, Outcome
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import ConfigTable
from tanebi.kube.errors import ApiError, NotFound
from tanebi.kube.faulty import Fault, FaultyTransport, scripted
from tanebi.kube.plan import Drop, Invalid, Patch, Plan, Seen, Wait
from tanebi.kube.recorder import Recorder
from tanebi.testing.control import NS, ControlPlane, control_plane

pytestmark = pytest.mark.anyio


class Thing(Resource):
    spec: dict[str, Any] = Field(default_factory=dict)
    status: dict[str, Any] = Field(default_factory=dict)


THING = Kind("tanebi.dev", "v1", "Thing", "things", Thing)
KEY = Key(NS, "t")


class Planned:
    kind = THING
    owns = (CONFIG_MAP,)
    reads = ()

    def __init__(self) -> None:
        self.plan: Callable[[Thing, Seen], Plan] = lambda thing, seen: Plan()
        self.runs = 0

    def desired(self, resource: Thing, seen: Seen, configs: Configs, now: datetime) -> Plan:
        self.runs += 1
        return self.plan(resource, seen)


class Bench:
    """One applier whose cache is fed by hand: it is as stale as a test wants it."""

    def __init__(self, control: ControlPlane) -> None:
        self.control = control
        self.person = control.kube.as_manager("person")
        self.transport = FaultyTransport(control.transport, scripted([]), clock=control.clock)
        kube = Kube(self.transport, field_manager="tanebi")
        self.cache = Cache(kube, control.clock)
        for kind in (THING, CONFIG_MAP, SECRET):
            self.cache.watch(kind)
        self.planned = Planned()
        self.recorder = Recorder(kube, control.clock, control.rng)
        self.applier = Applier(
            self.planned,
            kube=kube,
            cache=self.cache,
            configs=ConfigTable([]),
            clock=control.clock,
            recorder=self.recorder,
        )

    async def thing(self, **spec: Any) -> Obj:
        obj = {
            "apiVersion": "tanebi.dev/v1",
            "kind": "Thing",
            "metadata": {"name": "t", "namespace": NS},
            "spec": spec,
        }
        made = await self.person.create(THING, obj)
        self.cache.observe(THING, made)
        return made

    def child(self, thing: Thing, name: str = "c", **data: str) -> Obj:
        meta = {"name": name, "namespace": NS, "ownerReferences": [owner_reference(thing)]}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_plane(tmp_path, kinds=[THING]) as control:
        yield Bench(control)


async def test_a_key_without_an_object(bench: Bench) -> None:
    assert await bench.applier.reconcile(KEY) == Outcome("gone", gone=True)
    assert bench.planned.runs == 0


async def test_an_object_that_is_going_is_left_to_the_collector(bench: Bench) -> None:
    made = await bench.thing()
    going = {**made["metadata"], "deletionTimestamp": "x", "resourceVersion": str(10**9)}
    bench.cache.observe(THING, {**made, "metadata": going})
    assert (await bench.applier.reconcile(KEY)).result == "deleting"
    assert bench.planned.runs == 0


async def test_the_next_run_is_the_plans_wish(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(requeue_after_s=3.0)
    assert await bench.applier.reconcile(KEY) == Outcome("ok", after_s=3.0)


async def test_wait_and_invalid(bench: Bench) -> None:
    await bench.thing()

    def wait(thing: Thing, seen: Seen) -> Plan:
        raise Wait("not yet", retry_after_s=2.0)

    def invalid(thing: Thing, seen: Seen) -> Plan:
        raise Invalid("never")

    bench.planned.plan = wait
    assert await bench.applier.reconcile(KEY) == Outcome("wait", after_s=2.0)
    bench.planned.plan = invalid
    assert await bench.applier.reconcile(KEY) == Outcome("invalid")


async def test_a_stale_update_is_read_again_and_planned_again(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, v="1"),))
    await bench.applier.reconcile(KEY)
    await bench.person.patch(CONFIG_MAP, NS, "c", {"data": {"v": "theirs"}})
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, v="2"),))
    runs = bench.planned.runs
    assert (await bench.applier.reconcile(KEY)).result == "ok"
    assert bench.planned.runs == runs + 2, "planned once with the stale child, once with the new"
    assert (await bench.person.get(CONFIG_MAP, NS, "c"))["data"] == {"v": "2"}


async def test_a_stale_status_is_read_again_and_planned_again(bench: Bench) -> None:
    await bench.thing(n=1)
    await bench.person.patch(THING, NS, "t", {"spec": {"n": 2}})
    bench.planned.plan = lambda thing, seen: Plan(status={"n": thing.spec["n"]})
    assert (await bench.applier.reconcile(KEY)).result == "ok"
    assert (await bench.person.get(THING, NS, "t"))["status"] == {"n": 2}


async def test_a_create_that_was_made_already_is_found(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, v="1"),))
    bench.transport._choose = scripted([Fault.LOST_ANSWER])
    with pytest.raises(Exception, match="the answer is lost"):
        await bench.applier.reconcile(KEY)
    assert (await bench.applier.reconcile(KEY)).result == "ok"
    assert len((await bench.person.list(CONFIG_MAP, NS)).items) == 1


async def test_endless_conflicts_back_off(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing),))
    bench.transport._choose = scripted([Fault.CONFLICT] * CONFLICTS_MAX)
    assert await bench.applier.reconcile(KEY) == Outcome("conflict", ok=False)
    assert bench.planned.runs == CONFLICTS_MAX


async def test_an_equal_status_is_not_written(bench: Bench) -> None:
    await bench.thing()
    when = iter(("1", "2", "3"))

    def plan(thing: Thing, seen: Seen) -> Plan:
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": next(when)}
        return Plan(status={"conditions": [ready]})

    bench.planned.plan = plan
    await bench.applier.reconcile(KEY)
    first = await bench.person.get(THING, NS, "t")
    await bench.applier.reconcile(KEY)
    assert await bench.person.get(THING, NS, "t") == first


async def test_a_child_that_is_gone_behind_the_caches_back(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, v="1"),))
    await bench.applier.reconcile(KEY)
    await bench.person.delete(CONFIG_MAP, NS, "c")
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, v="2"),))
    assert (await bench.applier.reconcile(KEY)).result == "conflict"
    bench.planned.plan = lambda thing, seen: Plan()
    assert (await bench.applier.reconcile(KEY)).result == "ok", "deleting what is gone is done"


async def test_drops_go_by_uid(bench: Bench) -> None:
    await bench.thing()
    meta = {"name": "victim", "namespace": NS}
    victim = await bench.person.create(
        CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    )
    uid = victim["metadata"]["uid"]
    bench.planned.plan = lambda thing, seen: Plan(drops=(Drop(CONFIG_MAP, NS, "victim", "other"),))
    await bench.applier.reconcile(KEY)
    assert await bench.person.get(CONFIG_MAP, NS, "victim") == victim
    bench.planned.plan = lambda thing, seen: Plan(drops=(Drop(CONFIG_MAP, NS, "victim", uid),))
    await bench.applier.reconcile(KEY)
    with pytest.raises(NotFound):
        await bench.person.get(CONFIG_MAP, NS, "victim")


async def test_a_delete_that_was_refused_is_tried_again(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing),))
    await bench.applier.reconcile(KEY)
    bench.planned.plan = lambda thing, seen: Plan()
    bench.transport._choose = scripted([Fault.CONFLICT])
    assert (await bench.applier.reconcile(KEY)).result == "ok"
    assert bench.transport.happened == [Fault.CONFLICT]
    assert (await bench.person.list(CONFIG_MAP, NS)).items == []


async def test_a_patch_of_what_is_not_there_fails(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(patches=(Patch(SECRET, NS, "none", {"a": 1}),))
    with pytest.raises(NotFound):
        await bench.applier.reconcile(KEY)


async def test_an_owned_kind_must_be_declared(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(
        children=({**bench.child(thing), "kind": "Secret"},)
    )
    with pytest.raises(AssertionError, match="does not own that kind"):
        await bench.applier.reconcile(KEY)


async def test_a_refused_child_is_raised_with_the_servers_words(bench: Bench) -> None:
    await bench.thing()
    bench.planned.plan = lambda thing, seen: Plan(children=(bench.child(thing, "Bad_Name"),))
    with pytest.raises(ApiError, match="Bad_Name"):
        await bench.applier.reconcile(KEY)
