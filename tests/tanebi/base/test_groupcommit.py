import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tanebi.base.errors import Unavailable
from tanebi.base.groupcommit import PENDING_MAX, GroupCommitter, connect
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


def open_committer(path: Path) -> GroupCommitter:
    db = connect(path)
    db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, v TEXT)")
    return GroupCommitter(db, asyncio.get_running_loop())


def rows(path: Path) -> list[int]:
    with sqlite3.connect(path) as db:
        return [n for (n,) in db.execute("SELECT n FROM t ORDER BY n")]


async def test_what_was_awaited_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    committer.start()
    await committer.write([("INSERT INTO t VALUES (?, ?)", (1, "x"))])
    assert rows(path) == [1]
    committer.close()


async def test_many_writers_share_a_commit_and_are_answered_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    answered: list[int] = []
    for n in range(300):
        committer.submit(
            [("INSERT INTO t VALUES (?, '')", (n,))], lambda error, n=n: answered.append(n)
        )
    committer.start()
    await wait_until(lambda: len(answered) == 300)
    assert answered == list(range(300))
    assert rows(path) == answered
    committer.close()


async def test_close_writes_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    committer.submit([("INSERT INTO t VALUES (1, '')", ())], lambda error: None)
    committer.start()
    committer.close()
    assert rows(path) == [1]
    with pytest.raises(Unavailable, match="closing"):
        committer.submit([], lambda error: None)


async def test_after_a_failed_commit_nothing_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    committer.db.execute("PRAGMA max_page_count=4")  # a full disk, as SQLite sees it
    committer.start()
    with pytest.raises(Unavailable, match="read-only") as refused:
        await committer.write([("INSERT INTO t VALUES (1, ?)", ("x" * 100_000,))])
    assert isinstance(refused.value.__cause__, sqlite3.Error)
    assert committer.failed is not None
    with pytest.raises(Unavailable, match="read-only"):
        await committer.write([("INSERT INTO t VALUES (2, '')", ())])
    committer.close()
    assert rows(path) == []
    said = capsys.readouterr().out
    assert said.count("could not write to disk") == 1
    assert str(path) in said


async def test_a_failed_unit_takes_its_whole_batch_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    errors: list[Exception | None] = []
    committer.submit([("INSERT INTO t VALUES (1, '')", ())], errors.append)
    committer.submit([("INSERT INTO nowhere VALUES (1)", ())], errors.append)
    committer.start()
    await wait_until(lambda: len(errors) == 2)
    assert all(isinstance(error, sqlite3.Error) for error in errors)
    committer.close()
    assert rows(path) == []


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    committer = open_committer(tmp_path / "a.db")
    for _ in range(PENDING_MAX):
        committer.submit([], lambda error: None)
    with pytest.raises(Unavailable, match="wait for the disk"):
        committer.submit([], lambda error: None)
    committer.start()
    committer.close()


async def test_a_cancelled_writer_does_not_break_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    committer = open_committer(path)
    with anyio.move_on_after(0.01):
        await committer.write([("INSERT INTO t VALUES (1, '')", ())])
    committer.start()
    await committer.write([("INSERT INTO t VALUES (2, '')", ())])
    assert rows(path) == [1, 2]
    committer.close()


CRASHER = """
import asyncio, sys
from pathlib import Path
from tanebi.base.groupcommit import GroupCommitter, connect

async def main():
    db = connect(Path(sys.argv[1]))
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, v TEXT)")
    committer = GroupCommitter(db, asyncio.get_running_loop())
    committer.start()
    for n in range(1_000_000):
        await committer.write([("INSERT INTO t VALUES (?, '')", (n,))])
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("survivors", [1, 7, 40])
async def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path, survivors: int) -> None:
    path = tmp_path / "a.db"
    with subprocess.Popen(
        [sys.executable, "-c", CRASHER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(survivors)]
        child.kill()
    assert set(acknowledged) <= set(rows(path))
