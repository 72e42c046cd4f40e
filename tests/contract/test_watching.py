"""Any interleaving of writes keeps resourceVersions in order, and who watches from any of them is told exactly what it missed.

Played through the whole server (admission, managedFields, selectors) over a store in memory and one on disk; on disk also with a
restart, in which the server comes back from its file. The history is short, so that some versions are forgotten in most plays.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.api.core.kinds import CONFIG_MAP, NAMESPACE
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import ADMIN
from tanebi.base.rng import system_rng
from tanebi.kube.transport import Request, Response, Stream
from tanebi.testing.clock import FakeClock

CHANGES_MAX: Final = 12
DEADLINE_S: Final = 5.0
NAMESPACES: Final = ("n1", "n2")

Obj = dict[str, Any]
Key = tuple[str, str]
# What one task does, one after the other: (verb, namespace, name, colour).
WRITE: Final = st.tuples(
    st.sampled_from(["create", "replace", "patch", "delete"]),
    st.sampled_from(NAMESPACES),
    st.sampled_from("ab"),
    st.sampled_from(["red", "blue"]),
)
TASKS: Final = st.lists(st.lists(WRITE, max_size=5), min_size=1, max_size=3)
SELECTORS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"labelSelector": "colour=red"},
    {"labelSelector": "colour!=red"},
    {"fieldSelector": "metadata.name=a"},
    {"labelSelector": "colour in (blue)", "fieldSelector": "metadata.name!=b"},
)
WATCH: Final = st.tuples(
    st.floats(0, 1), st.sampled_from(SELECTORS), st.sampled_from([None, *NAMESPACES])
)


@dataclass(frozen=True)
class Fact:
    """One acknowledged write: what there was and what there is (None: nothing)."""

    rv: int
    key: Key
    before: Obj | None
    after: Obj | None


@dataclass
class Play:
    """A server and what it acknowledged."""

    path: Path
    facts: list[Fact] = field(default_factory=list)
    floor: int = 0  # nothing before this version survived a restart
    store: Store = field(init=False)
    server: ApiServer = field(init=False)

    async def open(self) -> None:
        self.store = Store.open(self.path, changes_max=CHANGES_MAX)
        kinds = (NAMESPACE, CONFIG_MAP)
        self.server = ApiServer(self.store, kinds, (), clock=FakeClock(), rng=system_rng(1))

    async def restart(self) -> None:
        self.store.close()
        await self.open()
        self.floor = self.store.revision

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
        raw = orjson.dumps(body) if body is not None else b""
        answer = await self.server.handle(Request(method, path, query, headers, raw), ADMIN)
        assert isinstance(answer, Response)
        return answer.status, orjson.loads(answer.body)

    async def write(self, verb: str, namespace: str, name: str, colour: str) -> None:
        where = f"/api/v1/namespaces/{namespace}/configmaps"
        meta = {"name": name, "labels": {"colour": colour}}
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
        obj["data"] = {"n": str(len(self.facts))}
        match verb:
            case "create":
                code, found = await self.ask("POST", where, obj)
            case "replace":
                code, found = await self.ask("PUT", f"{where}/{name}", obj)
            case "patch":
                code, found = await self.ask("PATCH", f"{where}/{name}", {"metadata": meta})
            case _:
                code, found = await self.ask("DELETE", f"{where}/{name}")
        if code < 400 and verb != "delete":
            self.facts.append(
                Fact(int(found["metadata"]["resourceVersion"]), (namespace, name), None, found)
            )

    async def together(self, tasks: Sequence[Sequence[tuple[str, str, str, str]]]) -> None:
        async def one(writes: Sequence[tuple[str, str, str, str]]) -> None:
            for write in writes:
                await self.write(*write)

        async with anyio.create_task_group() as group:
            for writes in tasks:
                group.start_soon(one, writes)

    async def events(self, rv: int, query: dict[str, str], namespace: str | None) -> list[Obj]:
        """All that a watch tells: it is over when a change that was made after it was asked for has come."""
        scope = f"/namespaces/{namespace}" if namespace else ""
        path = f"/api/v1{scope}/configmaps"
        asked = {
            "watch": "true",
            "resourceVersion": str(rv),
            "allowWatchBookmarks": "true",
            **query,
        }
        answer = await self.server.handle(Request("GET", path, asked), ADMIN)
        assert isinstance(answer, Stream)
        found: list[Obj] = []
        chunks: Any = answer.chunks
        with anyio.move_on_after(0.01):
            async for chunk in chunks:
                found += [orjson.loads(line) for line in chunk.splitlines()]
        await chunks.aclose()
        return found


def selected(obj: Obj | None, query: dict[str, str], namespace: str | None) -> bool:
    if obj is None or namespace not in (None, obj["metadata"]["namespace"]):
        return False
    colour, name = obj["metadata"]["labels"]["colour"], obj["metadata"]["name"]
    match query.get("labelSelector"):
        case "colour=red":
            fits = colour == "red"
        case "colour!=red":
            fits = colour != "red"
        case "colour in (blue)":
            fits = colour == "blue"
        case _:
            fits = True
    match query.get("fieldSelector"):
        case "metadata.name=a":
            return fits and name == "a"
        case "metadata.name!=b":
            return fits and name != "b"
    return fits


def expected(
    facts: list[Fact], rv: int, query: dict[str, str], namespace: str | None
) -> list[tuple[str, int, str]]:
    found = []
    for fact in facts:
        if fact.rv <= rv:
            continue
        was = selected(fact.before, query, namespace)
        now = selected(fact.after, query, namespace)
        type_ = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get(
            (was, now)
        )
        if type_:
            found.append((type_, fact.rv, fact.key[1]))
    return found


async def played(
    path: Path,
    rounds: list[list[list[tuple[str, str, str, str]]]],
    watches: list[tuple[float, dict[str, str], str | None]],
    *,
    restarting: bool,
) -> None:
    play = Play(path)
    await play.open()
    changes: list[Any] = []
    try:
        for name in NAMESPACES:
            meta = {"name": name}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
            assert (await play.ask("POST", "/api/v1/namespaces", body))[0] == 201
        begun = play.store.revision
        play.store.subscribe(changes.append)
        for number, tasks in enumerate(rounds):
            if restarting and number:
                await play.restart()
                play.store.subscribe(changes.append)
            await play.together(tasks)
        check_order(play, changes, begun)
        facts = told(changes)
        for share, query, namespace in watches:
            rv = begun + round(share * (play.store.revision - begun))
            await check_watch(play, facts, rv, query, namespace)
    finally:
        play.store.close()


def told(changes: list[Any]) -> list[Fact]:
    states: dict[Key, Obj] = {}
    facts = []
    for change in changes:
        if change.resource != CONFIG_MAP.resource:
            continue
        key = (change.key.namespace, change.key.name)
        after = None if change.type == "DELETED" else change.entry.obj
        facts.append(Fact(change.rv, key, states.pop(key, None), after))
        if after is not None:
            states[key] = after
    return facts


def check_order(play: Play, changes: list[Any], begun: int) -> None:
    versions = [change.rv for change in changes]
    assert versions == list(range(begun + 1, play.store.revision + 1)), (
        "one version a change, in order"
    )
    by_version = {change.rv: change for change in changes}
    for fact in play.facts:
        if fact.rv > begun and fact.rv in by_version:
            change = by_version[fact.rv]
            assert fact.key == (change.key.namespace, change.key.name)
    for key in {fact.key for fact in play.facts}:
        answered = sorted(f.rv for f in play.facts if f.key == key)
        assert set(answered) <= {c.rv for c in changes if (c.key.namespace, c.key.name) == key}


async def check_watch(
    play: Play, facts: list[Fact], rv: int, query: dict[str, str], namespace: str | None
) -> None:
    events = await play.events(rv, query, namespace)
    if rv < max(play.store.compacted, play.floor):
        assert [event["type"] for event in events] == ["ERROR"]
        assert (events[0]["object"]["code"], events[0]["object"]["reason"]) == (410, "Expired")
        return
    seen = [
        (
            e["type"],
            int(e["object"]["metadata"]["resourceVersion"]),
            e["object"]["metadata"]["name"],
        )
        for e in events
    ]
    assert seen == expected(facts, rv, query, namespace)


@pytest.mark.parametrize("kept", ["in memory", "on disk", "over a restart"])
def test_who_watches_sees_exactly_what_it_missed(kept: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(st.lists(TASKS, min_size=1, max_size=2), st.lists(WATCH, min_size=1, max_size=4))
    def play(
        rounds: list[list[list[tuple[str, str, str, str]]]],
        watches: list[tuple[float, dict[str, str], str | None]],
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(":memory:") if kept == "in memory" else Path(folder) / "api.db"
            asyncio.run(played(path, rounds, watches, restarting=kept == "over a restart"))

    play()
