"""Processes as /proc shows them: who is ours, and how to end them for sure.

Every process of a pod carries three environment variables: the pod's uid, the container's name, and the folder of the
platform that runs it.
Children inherit them, also those that left the process group or the session, so they can be found when the group is gone,
and after the platform itself was killed. Blocks for a few milliseconds; callers use a worker thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

POD_MARKER: Final = "TANEBI_POD_UID"
CONTAINER_MARKER: Final = "TANEBI_CONTAINER"
PLATFORM_MARKER: Final = "TANEBI_PODS"
ROUNDS_MAX: Final = 20  # a process that forks while we look is found in the next round

_PROC: Final = Path("/proc")


def kill_pod(pod_uid: str) -> int:
    """End every process that carries this pod's mark. Returns how many there were."""
    return _kill_marked(f"{POD_MARKER}={pod_uid}")


def kill_container(pod_uid: str, container: str) -> int:
    """End every process of one container of the pod."""
    return _kill_marked(f"{POD_MARKER}={pod_uid}", f"{CONTAINER_MARKER}={container}")


def kill_platform(pods_folder: Path) -> int:
    """End every process of every pod that the platform with this folder started."""
    return _kill_marked(f"{PLATFORM_MARKER}={pods_folder}")


def started_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks since boot: with the pid, a process's identity. None: there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def kill_group(pid: int) -> None:
    """End the process group that `pid` leads, if there is one."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_marked(*marks: str) -> int:
    wanted = {mark.encode() for mark in marks}
    killed: set[int] = set()
    for _ in range(ROUNDS_MAX):
        found = list(_marked(wanted))
        if not found:
            break
        for pid in found:
            _kill(pid)
        killed.update(found)
    return len(killed)


def _marked(marks: Set[bytes]) -> Iterator[int]:
    own = os.getpid()
    for entry in os.listdir(_PROC):
        if entry.isdigit() and int(entry) != own and marks <= _environment(entry):
            yield int(entry)


def _environment(pid: str) -> set[bytes]:
    """Empty for zombies, for what has just ended, and for what is not ours to see."""
    try:
        return set((_PROC / pid / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
