"""Children are kept, ended in order, and never left behind."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.stages import Stages
from tanebi.testing.waiting import wait_until
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
