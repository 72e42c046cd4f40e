"""Children are kept, ended in order, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.base.stages import Stages
from tanebi.testing.waiting import wait_until
from tanebi.base.parent import die_with
from tanebi.up.supervisor import Spec, Supervisor

pytestmark = pytest.mark.anyio

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_child_that_dies_is_started_again_and_told_of() -> None:
    ended: list[str] = []
    supervisor = Supervisor([Spec("a", SLEEP)], SystemClock(), on_exit=ended.append)
    async with Stages() as stages:
        await stages.start(supervisor.run)
        await stages.start(supervisor.stop_at_end)
        first = await wait_until(lambda: supervisor.pids.get("a"))
        os.kill(first, signal.SIGKILL)
        second = await wait_until(
            lambda: supervisor.pids.get("a", first) != first and supervisor.pids["a"]
        )
        assert ended == ["a"]
        assert alive(second)
    assert not alive(second)
    assert ended == ["a", "a"]


async def test_the_end_waits_for_who_finishes_something(tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = (
        "import signal,sys,time,pathlib\n"
        f"signal.signal(signal.SIGTERM, lambda *a: (time.sleep(0.2), pathlib.Path({str(done)!r}).touch(), sys.exit()))\n"
        f"pathlib.Path({str(tmp_path / 'up')!r}).touch()\n"
        "time.sleep(60)"
    )
    spec = Spec("a", [sys.executable, "-c", code])
    supervisor = Supervisor([spec], SystemClock(), on_exit=lambda name: None)
    async with Stages() as stages:
        await stages.start(supervisor.run)
        await stages.start(supervisor.stop_at_end)
        await wait_until((tmp_path / "up").exists)
    assert done.exists()


async def test_who_is_released_outlives_the_run_and_is_taken_over() -> None:
    first = Supervisor([Spec("a", SLEEP)], SystemClock(), on_exit=lambda name: None)
    async with Stages() as stages:
        await stages.start(first.run)
        await stages.start(first.stop_at_end)
        pid = await wait_until(lambda: first.pids.get("a"))
        first.release()
    assert alive(pid)
    second = Supervisor([Spec("a", SLEEP)], SystemClock(), on_exit=lambda name: None)
    async with Stages() as stages:
        await stages.start(partial(second.run, adopt={"a": pid}))
        await stages.start(second.stop_at_end)
        assert second.pids == {"a": pid}
    assert not alive(pid)


async def test_a_child_dies_with_its_parent() -> None:
    child = (
        "import os,sys,time\n"
        "from tanebi.base.parent import die_with\n"
        "die_with(int(sys.argv[1]))\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    parent = (
        "import os,subprocess,sys\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]).wait()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(await anyio.to_thread.run_sync(process.stdout.readline))
        process.kill()
    await wait_until(lambda: not alive(pid) or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_orphan_does_not_start() -> None:
    code = "import os\nfrom tanebi.base.parent import die_with\ndie_with(os.getppid() + 1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert UserError.__name__ in done.stderr
    assert die_with.__doc__
