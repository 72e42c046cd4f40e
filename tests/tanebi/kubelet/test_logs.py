"""Output found again: by container, by run, by label, while it grows and when its pod is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from tanebi.api import selectors
from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.logs import LogOptions, NoLogs
from tanebi.base.clock import SystemClock
from tanebi.kubelet import logs as logs_module
from tanebi.kubelet.logfile import LogWriter, StreamName, encode, stamp_of
from tanebi.kubelet.logs import ATTEMPTS_KEPT, LogStore
from tanebi.testing.clock import FakeClock

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def pod(name: str = "p", *, uid: str = "u1", containers: tuple[str, ...] = ("main",)) -> Pod:
    listed = [{"name": c, "image": "i"} for c in containers]
    meta = {"name": name, "namespace": "ns", "uid": uid, "labels": {"app": name[0]}}
    return POD.view({"metadata": meta, "spec": {"containers": listed}})


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    return LogStore(tmp_path / "logs", clock=FakeClock())


def write(
    store: LogStore,
    *lines: str,
    attempt: int = 0,
    container: str = "main",
    at: float = 0,
    partial: bool = False,
    stream: StreamName = "stdout",
) -> None:
    writer = LogWriter(store.path("ns", "p", container, attempt))
    for i, line in enumerate(lines):
        stamp = stamp_of(T0 + timedelta(seconds=at + i))
        writer.write(encode(stamp, stream, line.encode(), partial=partial))
    writer.close()


async def read(store: LogStore, name: str = "p", **options: object) -> str:
    stream = await store.open("ns", name, LogOptions(**options))  # type: ignore[arg-type]
    return b"".join([chunk async for chunk in stream]).decode()


async def test_everything(store: LogStore) -> None:
    store.opened(pod())
    write(store, "one", "two")
    write(store, "bad", at=2, stream="stderr")
    assert await read(store) == "one\ntwo\nbad\n"
    assert await read(store, container="main") == "one\ntwo\nbad\n"


async def test_the_end_of_it(store: LogStore) -> None:
    store.opened(pod())
    write(store, *(f"line {i}" for i in range(10)))
    assert await read(store, tail_lines=2) == "line 8\nline 9\n"
    assert await read(store, tail_lines=0) == ""
    assert await read(store, tail_lines=99) == "".join(f"line {i}\n" for i in range(10))
    assert await read(store, since=T0 + timedelta(seconds=8)) == "line 8\nline 9\n"
    assert await read(store, limit_bytes=9) == "line 0\nli"


async def test_times(store: LogStore) -> None:
    store.opened(pod())
    write(store, "one")
    write(store, "half ", at=1, partial=True)
    write(store, "whole", at=2)
    assert await read(store, timestamps=True) == (
        "2026-01-01T00:00:00.000000Z one\n2026-01-01T00:00:01.000000Z half whole\n"
    )
    assert await read(store, tail_lines=1) == "half whole\n", "pieces count as one line"


async def test_runs(store: LogStore) -> None:
    store.opened(pod())
    write(store, "first", attempt=0)
    with pytest.raises(NoLogs, match="previous terminated container"):
        await read(store, previous=True)
    write(store, "second", attempt=1)
    assert await read(store) == "second\n"
    assert await read(store, previous=True) == "first\n"
    for attempt in range(2, 12):
        write(store, "more", attempt=attempt)
        store.run_ended("ns", "p", "main", attempt)
    kept = sorted(store.path("ns", "p", "main", 0).parent.iterdir())
    assert sorted(int(path.stem) for path in kept) == list(range(12 - ATTEMPTS_KEPT, 12))


async def test_rotated_files_belong_together(store: LogStore) -> None:
    store.opened(pod())
    writer = LogWriter(store.path("ns", "p", "main", 0), file_max=60)
    for text in (b"one", b"two"):
        writer.write(encode(stamp_of(T0), "stdout", text * 5, partial=False))
    writer.close()
    assert await read(store) == "one" * 5 + "\n" + "two" * 5 + "\n"
    assert store.last_words("ns", "p", "main", 0) == "one" * 5 + "\n" + "two" * 5


async def test_what_is_not_there(store: LogStore) -> None:
    with pytest.raises(NoLogs) as caught:
        await read(store, "nobody")
    assert caught.value.pod_unknown
    store.opened(pod(containers=("a", "b")))
    with pytest.raises(NoLogs, match="a container name must be specified") as caught:
        await read(store)
    assert not caught.value.pod_unknown
    with pytest.raises(NoLogs, match="container c is not valid for pod p"):
        await read(store, container="c")
    with pytest.raises(NoLogs, match="is waiting to start: ContainerCreating"):
        await read(store, container="a")


async def test_init_containers_leave_no_doubt_which_is_meant(store: LogStore) -> None:
    found = pod(containers=("main",))
    init = found.spec.containers[0].model_copy(update={"name": "init"})
    spec = found.spec.model_copy(update={"init_containers": [init]})
    store.opened(found.model_copy(update={"spec": spec}))
    write(store, "words")
    assert await read(store) == "words\n"
    two = spec.model_copy(
        update={"containers": [*spec.containers, *pod(containers=("b",)).spec.containers]}
    )
    store.opened(found.model_copy(update={"spec": two}))
    with pytest.raises(
        NoLogs, match=r"choose one of: \[main b\] or one of the init containers: \[init\]"
    ):
        await read(store)


async def test_a_pod_that_is_gone_is_found_by_its_labels(store: LogStore) -> None:
    store.opened(pod("p"))
    store.opened(pod("q"))
    write(store, "words")
    store.closed("ns", "p")
    store.closed("ns", "never-was")
    (found,) = store.pods("ns", selectors.parse("app=p"))
    assert (found.name, found.gone, found.containers) == ("p", True, ("main",))
    assert [each.name for each in store.pods(None, selectors.EVERYTHING)] == ["p", "q"]
    assert store.pods("other", selectors.EVERYTHING) == []
    assert await read(store) == "words\n"


async def test_another_pod_of_that_name_begins_anew(store: LogStore) -> None:
    store.opened(pod())
    write(store, "old")
    store.opened(pod())
    assert await read(store) == "old\n", "the same pod, after the platform was started again"
    store.opened(pod(uid="u2"))
    with pytest.raises(NoLogs, match="waiting to start"):
        await read(store)


async def test_following(tmp_path: Path) -> None:
    store = LogStore(tmp_path, clock=SystemClock())
    store.opened(pod())
    writer = LogWriter(store.path("ns", "p", "main", 0), file_max=200)
    store.run_began("ns", "p", "main", 0)

    def say(text: str) -> None:
        writer.write(encode(stamp_of(T0), "stdout", text.encode(), partial=False))

    say("before")
    stream = await store.open("ns", "p", LogOptions(follow=True))
    got = ""
    with anyio.fail_after(5):
        got += (await anext(stream)).decode()
        for i in range(20):  # rotates several times on the way
            say(f"line {i:02} {'x' * 40}")
            got += (await anext(stream)).decode()
        say("last words")
        store.run_ended("ns", "p", "main", 0)
        got += "".join([chunk.decode() async for chunk in stream])
    writer.close()
    assert [line[:7] for line in got.splitlines()] == [
        "before",
        *(f"line {i:02}" for i in range(20)),
        "last wo",
    ]


async def test_following_a_run_that_has_ended_ends(store: LogStore) -> None:
    store.opened(pod())
    write(store, "done")
    assert await read(store, follow=True) == "done\n"


async def test_last_words_are_short(store: LogStore) -> None:
    write(store, *(f"line {i} " + "x" * 60 for i in range(200)))
    words = store.last_words("ns", "p", "main", 0)
    assert len(words) <= 2048
    assert words.splitlines()[-1].startswith("line 199 ")
    assert store.last_words("ns", "p", "main", 7) == ""


async def test_old_output_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    store = LogStore(tmp_path, clock=clock)
    for name in ("a", "b", "c"):
        store.opened(pod(name))
        clock.advance(1)
        if name != "c":
            store.closed("ns", name)
    assert store.prune() == 0
    clock.advance(8 * 24 * 3600 - 1)
    assert store.prune() == 2, "c still runs"
    assert [each.name for each in store.pods(None, selectors.EVERYTHING)] == ["c"]
    monkeypatch.setattr(logs_module, "KEEP_BYTES", 0)
    write(store, "x" * 100)
    store.opened(pod("p"))
    store.closed("ns", "p")
    assert store.prune() == 1, "more than may be kept"


async def test_the_pruner_runs(store: LogStore) -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(store.run)
        tasks.cancel_scope.cancel()
