"""`tanebi up` from its first line to its exit code. Caller: tanebi.cli.up."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Final

import anyio

from tanebi.base.clock import Clock, SystemClock, process_age_s
from tanebi.base.datalock import locked, prepare
from tanebi.base.files import write_atomically
from tanebi.base.limits import raise_file_limit
from tanebi.base.log import configure
from tanebi.base.rng import system_rng
from tanebi.base.settings import DataDir, environment, environment_to_change
from tanebi.base.stages import Stages, first_cause
from tanebi.kubelet.processes import kill_platform
from tanebi.up.announcing import Announcer
from tanebi.up.handover import RESTART, Handover, leave, receive, run_anew
from tanebi.up.options import UpOptions
from tanebi.up.platform import Platform

# The commit threads of the stores hand the interpreter over at each SQLite call; at Python's default of 5 ms a write would wait
# longer for a busy loop than for the disk.
SWITCH_INTERVAL_S: Final = 0.0005

TELL_S: Final = 5.0  # between two lines about pods that are still ending
INTERRUPTED: Final = 130  # the exit code of a shell's command that Ctrl-C ended
# New objects between two young collections of garbage. Events wait in memory while they are under way; at Python's default of 700
# a seventh of a busy broker's time goes into looking at them again and again.
GC_YOUNG_MAX: Final = 20_000


def run(options: UpOptions) -> int:
    """Run the platform until SIGINT or SIGTERM, and return the exit code. Raises TanebiError when it cannot start."""
    env = environment()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(GC_YOUNG_MAX)
    gc.enable()
    raise_file_limit()
    configure(level=env.get("TANEBI_LOG_LEVEL", "warning"), json=env.get("TANEBI_LOG") == "json")
    data = DataDir(options.data_dir.absolute())
    handover = receive(environment_to_change())
    prepare(data.root)
    with locked(data.lock):
        try:
            kept = anyio.run(_serve, options, data, handover, backend_options={"use_uvloop": True})
        except BaseExceptionGroup as group:
            raise first_cause(group) from group
    if kept is not None:
        leave(kept, environment_to_change())
        run_anew()
    return 0


async def _serve(options: UpOptions, data: DataDir, handover: Handover) -> Handover | None:
    """Until a signal says to end, or (RESTART) to begin anew with what is returned."""
    clock = SystemClock()
    began_anew = bool(handover.sockets)
    say = Announcer(clock, age_s=0.0 if began_anew else process_age_s())
    platform = Platform(options, data, clock, system_rng(), handover)
    kept: Handover | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, RESTART) as signals:
        async with anyio.create_task_group() as ending, Stages() as stages:
            stages.at_end(ending.cancel_scope.cancel)
            stages.at_end(say.stopped)
            await platform.start(stages, say)
            gc.freeze()  # what a start makes stays: it need not be looked at again
            _publish(platform, data, stages)
            say.ready(platform)
            if await anext(aiter(signals)) == RESTART:
                say.restarting()
                ending.start_soon(_end_at_once, signals, data, say, platform)
                kept = await platform.hand_over()
            else:
                say.stopping()
                ending.start_soon(_end_at_once, signals, data, say, platform)
                ending.start_soon(_tell_pods, clock, say, platform)
    return kept


def _publish(platform: Platform, data: DataDir, stages: Stages) -> None:
    """endpoints.json, as long as the platform serves; written anew when an activator has been replaced."""
    assert platform.plane is not None, "started"
    plane = platform.plane

    def write() -> None:
        write_atomically(data.endpoints, platform.endpoints())

    def withdraw() -> None:
        plane.on_joined(lambda: None)
        data.endpoints.unlink(missing_ok=True)

    write()
    plane.on_joined(write)
    stages.at_end(withdraw)


async def _tell_pods(clock: Clock, say: Announcer, platform: Platform) -> None:
    """Many take a while; whoever waits is told how many."""
    while True:
        await clock.sleep(TELL_S)
        if pods := platform.pods_at_work:
            say.still_ending(pods)


async def _end_at_once(
    signals: AsyncIterator[signal.Signals], data: DataDir, say: Announcer, platform: Platform
) -> None:
    """On a second Ctrl-C nothing is waited for: pods are killed, and so are we. What was acknowledged is on disk."""
    async for number in signals:
        if number != RESTART:
            break
    say.hurried()
    data.endpoints.unlink(missing_ok=True)
    platform.kill()
    kill_platform(data.pods)
    os._exit(INTERRUPTED)
