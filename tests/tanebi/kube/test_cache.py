from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tanebi.api.core.kinds import CONFIG_MAP, SECRET, SERVICE
from tanebi.api.meta import Key, Obj
from tanebi.api.selectors import from_labels
from tanebi.kube.cache import Cache
from tanebi.testing.control import NS, ControlPlane, control_plane
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path, namespaces=[NS, "other"]) as made:
        yield made


def cm(name: str, *, ns: str = NS, labels: dict[str, str] | None = None) -> Obj:
    meta: Obj = {"name": name, "namespace": ns, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"n": name}}


async def started(control: ControlPlane, *kinds: object) -> Cache:
    cache = Cache(control.kube, control.clock)
    for kind in kinds or (CONFIG_MAP,):
        cache.watch(kind)  # type: ignore[arg-type]
    await control.tasks.start(cache.run)
    await cache.wait_synced()
    return cache


async def test_it_has_what_was_there_and_what_comes(control: ControlPlane) -> None:
    await control.kube.create(CONFIG_MAP, cm("a"))
    cache = await started(control)
    assert cache.raw(CONFIG_MAP, NS, "a") == await control.kube.get(CONFIG_MAP, NS, "a")
    made = await control.kube.create(CONFIG_MAP, cm("b"))
    await wait_until(lambda: cache.raw(CONFIG_MAP, NS, "b"))
    assert cache.raw(CONFIG_MAP, NS, "b") == made
    await control.kube.delete(CONFIG_MAP, NS, "a")
    await wait_until(lambda: cache.raw(CONFIG_MAP, NS, "a") is None)


async def test_views_and_lists(control: ControlPlane) -> None:
    for obj in (cm("b", labels={"x": "1"}), cm("a"), cm("c", ns="other", labels={"x": "1"})):
        await control.kube.create(CONFIG_MAP, obj)
    cache = await started(control)
    found = cache.get(CONFIG_MAP, NS, "a")
    assert found is not None
    assert found.data == {"n": "a"}
    assert cache.get(CONFIG_MAP, NS, "a") is found
    assert cache.get(CONFIG_MAP, NS, "none") is None
    assert [o.metadata.name for o in cache.list(CONFIG_MAP, NS)] == ["a", "b"]
    wanted = from_labels({"x": "1"})
    assert [o.metadata.name for o in cache.list(CONFIG_MAP, None, wanted)] == ["b", "c"]
    assert [o["metadata"]["name"] for o in cache.raws(CONFIG_MAP, "other")] == ["c"]
    assert cache.keys(CONFIG_MAP) == [Key(NS, "a"), Key(NS, "b"), Key("other", "c")]


async def test_subscribers_hear_of_everything_also_of_what_was_before(
    control: ControlPlane,
) -> None:
    await control.kube.create(CONFIG_MAP, cm("a"))
    cache = await started(control)
    told: list[tuple[Obj | None, Obj | None]] = []
    cache.subscribe(CONFIG_MAP, lambda old, new: told.append((old, new)))
    first = cache.raw(CONFIG_MAP, NS, "a")
    assert told == [(None, first)]
    changed = await control.kube.patch(CONFIG_MAP, NS, "a", {"data": {"n": "2"}})
    await wait_until(lambda: len(told) == 2)
    assert told[1] == (first, changed)
    await control.kube.delete(CONFIG_MAP, NS, "a")
    await wait_until(lambda: len(told) == 3)
    assert told[2][1] is None


async def test_a_broken_subscriber_does_not_blind_the_others(control: ControlPlane) -> None:
    cache = await started(control)
    told: list[Obj | None] = []

    def broken(old: Obj | None, new: Obj | None) -> None:
        raise RuntimeError("a bug")

    cache.subscribe(CONFIG_MAP, broken)
    cache.subscribe(CONFIG_MAP, lambda old, new: told.append(new))
    await control.kube.create(CONFIG_MAP, cm("a"))
    await control.kube.create(CONFIG_MAP, cm("b"))
    await wait_until(lambda: len(told) == 2)


async def test_kinds_may_be_named_while_it_runs(control: ControlPlane) -> None:
    cache = await started(control)
    await control.kube.create(SECRET, {**cm("s"), "kind": "Secret", "data": {}})
    cache.watch(SECRET)
    cache.watch(SECRET)
    assert not cache.synced
    await cache.wait_synced(SECRET)
    assert cache.synced
    assert cache.raw(SECRET, NS, "s") is not None


async def test_a_kind_that_is_not_watched_is_a_bug_of_the_caller(control: ControlPlane) -> None:
    cache = await started(control)
    with pytest.raises(LookupError, match="services is not watched"):
        cache.list(SERVICE, None)
    assert cache.raw_or_none(SERVICE, Key(NS, "a")) is None
    cache.observe(SERVICE, cm("a"))


async def test_own_writes_are_seen_before_the_watch_tells_them(control: ControlPlane) -> None:
    cache = await started(control)
    told: list[Obj | None] = []
    cache.subscribe(CONFIG_MAP, lambda old, new: told.append(new))
    made = await control.kube.create(CONFIG_MAP, cm("a"))
    cache.observe(CONFIG_MAP, made)
    assert cache.raw(CONFIG_MAP, NS, "a") == made
    await control.kube.create(CONFIG_MAP, cm("b"))
    await wait_until(lambda: cache.raw(CONFIG_MAP, NS, "b"))
    assert [(o or {})["metadata"]["name"] for o in told] == ["a", "b"]


async def test_an_object_that_does_not_fit_its_type_is_left_out(control: ControlPlane) -> None:
    cache = await started(control)
    bad = {**cm("bad"), "data": ["no", "map"]}
    bad["metadata"]["resourceVersion"] = str(10**9)
    cache.observe(CONFIG_MAP, bad)
    assert cache.get(CONFIG_MAP, NS, "bad") is None
    assert cache.list(CONFIG_MAP, NS) == []
    assert cache.raw(CONFIG_MAP, NS, "bad") == bad


async def test_owned(control: ControlPlane) -> None:
    cache = await started(control)
    ref = {"apiVersion": "v1", "kind": "Secret", "name": "o", "uid": "u"}
    child = cm("a")
    child["metadata"]["ownerReferences"] = [ref]
    child["metadata"]["resourceVersion"] = str(10**9)
    cache.observe(CONFIG_MAP, child)
    assert cache.owned(CONFIG_MAP, "u") == [child]
    assert cache.owned(CONFIG_MAP, "v") == []


async def test_it_stops_when_told(control: ControlPlane) -> None:
    cache = Cache(control.kube, control.clock)
    cache.watch(CONFIG_MAP)
    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            await tasks.start(cache.run)
            await cache.wait_synced()
            tasks.cancel_scope.cancel()
