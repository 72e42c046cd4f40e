"""Processes as /proc shows them: who is ours, and how to end them for sure.

Every process of a pod carries three environment variables: the pod's uid, the container's name, and the folder of the
platform that runs it.
Children inherit them, also those that left the process group or the session, so they can be found when the group is gone,
and after the platform itself was killed. Blocks for a few milliseconds; callers use a worker thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Set
from pathlib import Path
from typing import Final

POD_MARKER: Final = "TANEBI_POD_UID"
CONTAINER_MARKER: Final = "TANEBI_CONTAINER"
PLATFORM_MARKER: Final = "TANEBI_PODS"
ROUNDS_MAX: Final = 40  # a process that forks while we look is found in a later round
CLEAN_LOOKS: Final = 3  # in a row, before we believe that nobody is left

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
    clean = 0
    for _ in range(ROUNDS_MAX):
        found, certain = _look(wanted)
        for pid in found:
            _kill(pid)
        killed.update(found)
        clean = clean + 1 if certain and not found else 0
        if clean == CLEAN_LOOKS:
            break
    return len(killed)


def _look(marks: Set[bytes]) -> tuple[list[int], bool]:
    """Whoever carries `marks`, and whether that is certain: one that ended while we looked may have left a child behind."""
    own = os.getpid()
    found: list[int] = []
    certain = True
    for entry in os.listdir(_PROC):
        if not entry.isdigit() or int(entry) == own:
            continue
        environment = _environment(entry)
        if environment is None:
            certain = False
        elif marks <= environment:
            found.append(int(entry))
    return found, certain


def _environment(pid: str) -> set[bytes] | None:
    """Empty for zombies and for what is not ours to see; None for what has just ended."""
    try:
        return set((_PROC / pid / "environ").read_bytes().split(b"\0"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:
        return set()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
