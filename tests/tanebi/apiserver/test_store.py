"""The store: revisions, races, watches, failure, and what is left after a crash."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change
from tanebi.apiserver.store import HistoryGone, Store, StoreCorrupt, StoreUnusable, WriteRace
from tanebi.base.errors import Unavailable

pytestmark = pytest.mark.anyio

RESOURCE = "things"


def thing(name: str, value: int = 0, namespace: str = "ns") -> Obj:
    return {"metadata": {"name": name, "namespace": namespace, "uid": name}, "value": value}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "api.db")
    yield opened
    opened.close()


async def test_put_is_visible_with_its_revision_when_it_returns(store: Store) -> None:
    entry = await store.put(RESOURCE, Key("ns", "a"), thing("a"), over=None)
    assert (entry.rv, store.revision) == (1, 1)
    assert store.get(RESOURCE, Key("ns", "a")) is entry
    assert entry.obj["metadata"]["resourceVersion"] == "1"


async def test_a_write_against_anything_but_the_newest_state_loses(store: Store) -> None:
    key = Key("ns", "a")
    first = await store.put(RESOURCE, key, thing("a"), over=None)
    with pytest.raises(WriteRace):
        await store.put(RESOURCE, key, thing("a"), over=None)
    second = await store.put(RESOURCE, key, thing("a", 2), over=first)
    with pytest.raises(WriteRace) as race:
        await store.remove(RESOURCE, key, over=first)
    assert race.value.newest is second


async def test_pending_writes_count_when_the_next_one_is_decided(store: Store) -> None:
    key = Key("ns", "a")
    async with anyio.create_task_group() as group:
        group.start_soon(_put, store, key, thing("a", 1))
        await asyncio.sleep(0)  # the write is on its way to the disk now
        assert store.get(RESOURCE, key) is None
        newest = store.newest(RESOURCE, key)
        assert newest is not None
        assert newest.obj["value"] == 1
        with pytest.raises(WriteRace):
            await store.put(RESOURCE, key, thing("a", 2), over=None)


async def _put(store: Store, key: Key, obj: Obj) -> None:
    await store.put(RESOURCE, key, obj, over=None)


async def test_lists_are_ordered_and_narrowed_to_a_namespace(store: Store) -> None:
    for namespace, name in (("b", "z"), ("a", "y"), ("a-b", "x"), ("a", "b")):
        await store.put(RESOURCE, Key(namespace, name), thing(name, 0, namespace), over=None)
    names = [e.obj["metadata"]["name"] for e in store.list(RESOURCE)]
    assert names == ["b", "y", "x", "z"]
    assert [e.obj["metadata"]["name"] for e in store.list(RESOURCE, "a")] == ["b", "y"]
    assert store.list(RESOURCE, "c") == []
    assert store.list("others") == []
    assert store.count(RESOURCE) == 4


async def test_a_watcher_sees_what_came_after_its_version(store: Store) -> None:
    key = Key("ns", "a")
    first = await store.put(RESOURCE, key, thing("a"), over=None)
    second = await store.put(RESOURCE, key, thing("a", 1), over=first)
    await store.put("others", key, thing("a"), over=None)
    watcher = store.watch(RESOURCE, 1)
    await store.remove(RESOURCE, key, over=second)
    seen = await watcher.next()
    assert [(c.type, c.rv) for c in seen] == [("MODIFIED", 2), ("DELETED", 4)]
    assert seen[1].entry.obj["metadata"]["resourceVersion"] == "4"
    assert seen[1].before is second
    store.unwatch(watcher)
    watcher.close()
    assert store.watcher_count == 0


async def test_forgotten_and_future_versions_are_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "api.db", changes_max=2)
    for i in range(4):
        await store.put(RESOURCE, Key("ns", str(i)), thing(str(i)), over=None)
    assert store.compacted == 2
    store.watch(RESOURCE, 2)
    for version in (1, 5):
        with pytest.raises(HistoryGone):
            store.watch(RESOURCE, version)
    store.close()


async def test_a_slow_watcher_is_ended_not_waited_for(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "api.db", queue_max=2)
    watcher = store.watch(RESOURCE, 0)
    for i in range(4):
        await store.put(RESOURCE, Key("ns", str(i)), thing(str(i)), over=None)
    assert [c.rv for c in await watcher.next()] == [1, 2]
    with pytest.raises(anyio.EndOfStream):
        await watcher.next()
    assert watcher.overflowed
    watcher.close()
    store.close()


async def test_closing_ends_watches(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "api.db")
    watcher = store.watch(RESOURCE, 0)
    store.close()
    with pytest.raises((anyio.EndOfStream, anyio.ClosedResourceError)):
        await watcher.next()


async def test_after_a_restart_versions_go_on_and_old_ones_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    store = Store.open(path)
    entry = await store.put(RESOURCE, Key("ns", "a"), thing("a"), over=None)
    await store.remove(RESOURCE, Key("ns", "a"), over=entry)
    store.close()
    store = Store.open(path)
    assert (store.revision, store.compacted) == (2, 2)
    store.watch(RESOURCE, 2)
    with pytest.raises(HistoryGone):
        store.watch(RESOURCE, 1)
    assert (await store.put(RESOURCE, Key("ns", "b"), thing("b"), over=None)).rv == 3
    store.close()


async def test_a_failed_commit_drops_what_was_pending_and_makes_it_read_only(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path / "api.db")
    kept = await store.put(RESOURCE, Key("ns", "a"), thing("a"), over=None)
    watcher = store.watch(RESOURCE, 1)
    store._disk.db.execute("PRAGMA query_only=ON")  # what a read-only file system does to a write
    with pytest.raises(Unavailable, match="read-only"):
        await store.put(RESOURCE, Key("ns", "b"), thing("b"), over=None)
    with pytest.raises(Unavailable, match="read-only"):
        await store.put(RESOURCE, Key("ns", "c"), thing("c"), over=None)
    assert store.failed is not None
    assert store.list(RESOURCE) == [kept]
    assert store.newest(RESOURCE, Key("ns", "b")) is None
    assert (store.revision, watcher.idle) == (1, True)
    store.close()


async def test_a_full_disk_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    store = Store.open(path)
    pages = store._disk.db.execute("PRAGMA page_count").fetchone()[0]
    store._disk.db.execute(f"PRAGMA max_page_count={pages + 8}")
    stored = 0
    with pytest.raises(Unavailable, match="read-only"):
        for stored in range(100):
            big = thing(str(stored)) | {"pad": "x" * 2000}
            await store.put(RESOURCE, Key("ns", str(stored)), big, over=None)
    assert store.revision == len(store.list(RESOURCE)) == stored > 0
    store.close()
    store = Store.open(path)
    assert store.revision == len(store.list(RESOURCE)) == stored
    store.close()


async def test_a_file_that_cannot_be_opened_is_not_called_corrupt(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be opened") as raised:
        Store.open(tmp_path / "missing" / "api.db")
    assert "has room" in raised.value.hint


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"this is no database, and never was" * 100),
        lambda path: _sql(path, "UPDATE objects SET body = x'7b'"),
        lambda path: _sql(path, "UPDATE objects SET body = '[]'"),
        lambda path: _sql(path, "UPDATE facts SET value = 0"),
        lambda path: _sql(path, "DELETE FROM facts"),
        lambda path: _sql(path, "PRAGMA user_version=99"),
    ],
    ids=["not-sqlite", "not-json", "not-an-object", "revision-behind", "no-facts", "newer-format"],
)
async def test_a_spoilt_file_is_refused_with_its_name(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = tmp_path / "api.db"
    store = Store.open(path)
    await store.put(RESOURCE, Key("ns", "a"), thing("a"), over=None)
    store.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    spoil(path)
    with pytest.raises(StoreCorrupt, match=r"api\.db cannot be read"):
        Store.open(path)


def _sql(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


# --- property: any history, any watcher, any crash ------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES),
        st.tuples(st.just("remove"), NAMES),
        st.tuples(st.just("burst"), NAMES),
        st.tuples(st.just("watch"), st.integers(0, 30)),
        st.tuples(st.just("crash"), st.just("")),
    ),
    max_size=25,
)


@dataclass
class Run:
    """What the store acknowledged, in order, and every watcher with the version it began from."""

    path: Path
    store: Store
    acknowledged: list[tuple[int, str, str, int]] = field(default_factory=list)
    floor: int = 0
    watchers: list[tuple[int, Any]] = field(default_factory=list)

    async def put(self, name: str) -> None:
        key = Key("ns", name)
        before = self.store.newest(RESOURCE, key)
        value = self.store.revision
        entry = await self.store.put(RESOURCE, key, thing(name, value), over=before)
        self.acknowledged.append(
            (entry.rv, "MODIFIED" if before else "ADDED", name, entry.obj["value"])
        )

    async def remove(self, name: str) -> None:
        before = self.store.newest(RESOURCE, Key("ns", name))
        if before is not None:
            gone = await self.store.remove(RESOURCE, Key("ns", name), over=before)
            self.acknowledged.append((gone.rv, "DELETED", name, gone.obj["value"]))

    async def burst(self, name: str) -> None:
        """Several writes at once: they share a commit."""
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(self.put, name)
        self.acknowledged.sort()

    async def watch(self, rv: int) -> None:
        if self.floor <= rv <= self.store.revision:
            self.watchers.append((rv, self.store.watch(RESOURCE, rv)))
        else:
            with pytest.raises(HistoryGone):
                self.store.watch(RESOURCE, rv)

    async def crash(self, _: str) -> None:
        """Go on from the files as a killed process would have left them."""
        await self.check_watchers()
        copy = self.path.with_name(f"{self.path.stem}x.db")
        for suffix in ("", "-wal"):
            if (source := Path(f"{self.path}{suffix}")).exists():
                shutil.copy(source, f"{copy}{suffix}")
        self.store.close()
        self.path, self.store = copy, Store.open(copy)
        self.floor = self.store.revision
        self.check_state()

    def check_state(self) -> None:
        expected = {}
        for rv, type_, name, value in self.acknowledged:
            expected[name] = (rv, value)
            if type_ == "DELETED":
                del expected[name]
        found = {
            e.obj["metadata"]["name"]: (e.rv, e.obj["value"]) for e in self.store.list(RESOURCE)
        }
        assert found == expected
        assert self.store.revision == (self.acknowledged[-1][0] if self.acknowledged else 0)

    async def check_watchers(self) -> None:
        for begun, watcher in self.watchers:
            missed = [fact for fact in self.acknowledged if fact[0] > begun]
            seen: list[Change] = []
            while len(seen) < len(missed):
                seen += await watcher.next()
            told = [(c.rv, c.type, c.key.name, c.entry.obj["value"]) for c in seen]
            assert told == missed
            assert watcher.idle
            self.store.unwatch(watcher)
            watcher.close()
        self.watchers.clear()


@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_watchers_see_exactly_what_they_missed_and_a_crash_keeps_what_was_acknowledged(
    steps: list[tuple[str, Any]],
) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s.db"
            run = Run(path, Store.open(path))
            for name, argument in steps:
                step: Callable[[Any], Awaitable[None]] = getattr(run, name)
                await step(argument)
            run.check_state()
            await run.check_watchers()
            run.store.close()

    asyncio.run(play())
