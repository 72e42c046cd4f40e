"""Owners and dependents."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.kind import Kinds
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.gc import Graph, Node, Reference, node_of
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import KINDS, WIDGET, WIDGETS, Api, widget

pytestmark = pytest.mark.anyio


def owner_of(obj: Obj, **more: Any) -> Obj:
    reference = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    return {**reference, "name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"], **more}


async def names(api: Api) -> list[str]:
    found = await api.ok("GET", WIDGETS)
    return [item["metadata"]["name"] for item in found["items"]]


async def until(api: Api, *expected: str) -> None:
    async def there() -> bool:
        return await names(api) == sorted(expected)

    await wait_until(there, what=f"widgets are {sorted(expected)}")


async def test_background_takes_the_whole_tree(running: Api) -> None:
    root = await running.widget("a")
    child = await running.widget("b", ownerReferences=[owner_of(root)])
    await running.widget("c", ownerReferences=[owner_of(child)])
    await running.widget("z")
    await running.ok("DELETE", f"{WIDGETS}/a")
    await until(running, "z")


async def test_an_object_with_another_owner_stays_and_forgets_the_gone_one(running: Api) -> None:
    one, two = await running.widget("one"), await running.widget("two")
    await running.widget("c", ownerReferences=[owner_of(one), owner_of(two)])
    await running.ok("DELETE", f"{WIDGETS}/one")

    async def forgotten() -> bool:
        found = await running.ok("GET", f"{WIDGETS}/c")
        return [r["name"] for r in found["metadata"]["ownerReferences"]] == ["two"]

    await wait_until(forgotten)
    await running.ok("DELETE", f"{WIDGETS}/two")
    await until(running)


async def test_an_owner_that_never_was_is_gone(running: Api) -> None:
    ghost = {"apiVersion": "tanebi.dev/v1", "kind": "Widget", "name": "g", "uid": "no-such"}
    await running.widget("a", ownerReferences=[ghost])
    await until(running)
    stranger = {"apiVersion": "other.dev/v1", "kind": "Thing", "name": "g", "uid": "no-such"}
    await running.widget("b", ownerReferences=[stranger])
    await running.widget("c", ownerReferences=[ghost])
    await until(running, "b")


async def test_foreground_waits_for_those_that_block(running: Api) -> None:
    root = await running.widget("a")
    blocker = owner_of(root, blockOwnerDeletion=True)
    await running.widget("b", ownerReferences=[blocker], finalizers=["x.y/z"])
    await running.widget("c", ownerReferences=[owner_of(root)])
    marked = await running.ok("DELETE", f"{WIDGETS}/a", {"propagationPolicy": "Foreground"})
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    await until(running, "a", "b")
    headers = {"content-type": "application/merge-patch+json"}
    await running.ok("PATCH", f"{WIDGETS}/b", {"metadata": {"finalizers": None}}, headers=headers)
    await until(running)


async def test_orphans_stay_without_their_owner(running: Api) -> None:
    root = await running.widget("a")
    await running.widget("b", ownerReferences=[owner_of(root)])
    await running.ok("DELETE", f"{WIDGETS}/a", {"propagationPolicy": "Orphan"})
    await until(running, "b")
    assert "ownerReferences" not in (await running.ok("GET", f"{WIDGETS}/b"))["metadata"]


async def test_what_was_left_before_the_start_is_collected(api: Api) -> None:
    root = await api.widget("a")
    await api.widget("b", ownerReferences=[owner_of(root)])
    await api.ok("DELETE", f"{WIDGETS}/a")
    assert await names(api) == ["b"]
    async with anyio.create_task_group() as group:
        await group.start(api.server.run)
        await until(api)
        group.cancel_scope.cancel()


def node(uid: str, *owners: str, deleting: bool = False, finalizer: str = "") -> Node:
    references = tuple(Reference(o, blocking=True, known=True) for o in owners)
    finalizers = frozenset((finalizer,)) if finalizer else frozenset[str]()
    return Node(WIDGET, Key("ns", uid), uid, references, deleting, finalizers)


def test_nothing_is_due_for_the_unknown_the_free_and_the_owned() -> None:
    graph = Graph()
    graph.put(node("a"))
    graph.put(node("b", "a"))
    assert [graph.judge(uid) for uid in ("nobody", "a", "b")] == [[], [], []]


def test_a_dependent_of_a_waiting_owner_goes_and_takes_its_own_along() -> None:
    graph = Graph()
    graph.put(node("a", deleting=True, finalizer="foregroundDeletion"))
    graph.put(node("b", "a"))
    assert [(v.action, v.propagation) for v in graph.judge("b")] == [("delete", "Background")]
    graph.put(node("c", "b"))
    assert [(v.action, v.propagation) for v in graph.judge("b")] == [("delete", "Foreground")]
    assert graph.judge("a") == []


def test_a_node_is_read_from_an_object() -> None:
    obj = widget("a", uid="u", finalizers=["orphan"], deletionTimestamp="x")
    obj["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "o", "blockOwnerDeletion": True}
    ]
    found = node_of(WIDGET, Key("default", "a"), obj, Kinds(KINDS))
    assert found.owners == (Reference("o", blocking=True, known=True),)
    assert (found.deleting, found.waits, found.finalizers) == (True, False, frozenset({"orphan"}))


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20)


@given(EDGES, st.sets(st.integers(0, 9)))
def test_carrying_out_every_verdict_leaves_exactly_what_is_held(
    edges: list[tuple[int, int]], dropped: set[int]
) -> None:
    """Background collection ends, and what is left has at least one owner left, or never had any."""
    graph = Graph()
    owners = {i: {o for d, o in edges if d == i and o < i} for i in range(10)}
    for i in range(10):
        graph.put(node(str(i), *[str(o) for o in sorted(owners[i])]))
    for i in dropped:
        graph.drop(str(i))
    for _ in range(100):
        verdicts = [v for uid in sorted(graph.nodes) for v in graph.judge(uid)]
        if not verdicts:
            break
        for verdict in verdicts:
            if verdict.action == "delete":
                graph.drop(verdict.node.uid)
            else:
                left = [o.uid for o in verdict.node.owners if o.uid not in verdict.owners]
                graph.put(node(verdict.node.uid, *left))
    alive: set[int] = set()
    for i in range(10):
        if i not in dropped and (not owners[i] or owners[i] & alive):
            alive.add(i)
    assert set(graph.nodes) == {str(i) for i in alive}
