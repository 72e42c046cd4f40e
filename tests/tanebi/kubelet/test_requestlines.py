"""The request log as the output of a container that is only shown."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.logs import LogOptions, NoLogs
from tanebi.api.selectors import EVERYTHING as SELECT_ALL
from tanebi.base.clock import SystemClock
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.requestlines import CONTAINER, RequestLines
from tanebi.kubelet.shown import SHOWN_ONLY

pytestmark = pytest.mark.anyio

POD_VIEW = POD.view(
    {
        "metadata": {
            "name": "p",
            "namespace": "ns",
            "uid": "u",
            "annotations": {SHOWN_ONLY: CONTAINER},
        },
        "spec": {"containers": [{"name": "user-container", "image": "i"}]},
    }
)


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    made = LogStore(tmp_path, clock=SystemClock())
    made.opened(POD_VIEW)
    return made


async def read(store: LogStore, **options: object) -> str:
    wanted = LogOptions(container=CONTAINER, **options)  # type: ignore[arg-type]
    stream = await store.open("ns", "p", wanted)
    return b"".join([chunk async for chunk in stream]).decode()


async def test_lines_are_found_by_pod(store: LogStore, tmp_path: Path) -> None:
    assert await read(store) == ""
    lines = RequestLines(store, SystemClock())
    lines.keep([("ns", "p", "one"), ("ns", "", "no pod"), ("ns", "p", "two"), ("ns", "q", "gone")])
    lines.keep([("ns", "p", "x" * 40_000)])
    assert await read(store) == "one\ntwo\n" + "x" * 40_000 + "\n"
    assert await read(store, tail_lines=2) == "two\n" + "x" * 40_000 + "\n"
    others = (tmp_path / "requests.log").read_text()
    assert [line.split(" ", 3)[3] for line in others.splitlines()] == ["no pod", "gone"]
    with pytest.raises(NoLogs, match="previous terminated container"):
        await read(store, previous=True)
    (found,) = store.pods("ns", SELECT_ALL)
    assert (found.containers, found.shown) == (("user-container",), (CONTAINER,))


async def test_they_are_followed_until_the_pod_is_gone(store: LogStore) -> None:
    lines, found = RequestLines(store, SystemClock()), b""
    stream = await store.open("ns", "p", LogOptions(container=CONTAINER, follow=True))
    lines.keep([("ns", "p", "one")])
    with anyio.fail_after(5):
        found += await anext(stream)
        lines.keep([("ns", "p", "two")])
        found += await anext(stream)
        store.closed("ns", "p")
        async for chunk in stream:
            found += chunk
    assert found == b"one\ntwo\n"
    assert await read(store) == "one\ntwo\n"


async def test_what_cannot_be_written_is_lost_and_nothing_else(
    store: LogStore, tmp_path: Path
) -> None:
    (tmp_path / "ns" / "p" / CONTAINER).write_text("in the way")
    RequestLines(store, SystemClock()).keep([("ns", "p", "one"), ("", "", "two")])
    assert (tmp_path / "requests.log").read_text().endswith("F two\n")
