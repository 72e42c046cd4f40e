"""Processes as /proc shows them: who is ours, and how to end them for sure.

Every process of a pod carries three environment variables: the pod's uid, the container's name, and the folder of the
platform that runs it.
Children inherit them, also those that left the process group or the session, so they can be found when the group is gone,
and after the platform itself was killed. Blocks for a few milliseconds; callers use a worker thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Final, NamedTuple

POD_MARKER: Final = "TANEBI_POD_UID"
CONTAINER_MARKER: Final = "TANEBI_CONTAINER"
PLATFORM_MARKER: Final = "TANEBI_PODS"
ENGINE_MARKER: Final = "TANEBI_ENGINE"
ROUNDS_MAX: Final = 40  # a process that forks while we look is found in a later round
CLEAN_LOOKS: Final = 3  # in a row, before we believe that nobody is left

_PROC: Final = Path("/proc")


def kill_pod(pods_folder: Path, pod_uid: str) -> int:
    """End every process of a pod of the platform with this folder. Returns how many there were."""
    return _kill_marked(f"{PLATFORM_MARKER}={pods_folder}", f"{POD_MARKER}={pod_uid}")


def kill_container(pods_folder: Path, pod_uid: str, container: str) -> int:
    """End every process of one container of the pod."""
    return _kill_marked(
        f"{PLATFORM_MARKER}={pods_folder}",
        f"{POD_MARKER}={pod_uid}",
        f"{CONTAINER_MARKER}={container}",
    )


def kill_platform(pods_folder: Path) -> int:
    """End every process of every pod that the platform with this folder started."""
    return _kill_marked(f"{PLATFORM_MARKER}={pods_folder}")


def service_mark(folder: Path) -> dict[str, str]:
    """What marks the service of an engine that has its socket in this folder. It is no pod's: those are ended while it works."""
    return {ENGINE_MARKER: str(folder)}


def kill_engine_service(folder: Path) -> int:
    """End the services with that mark; what they started, as the process that holds an ordinary user's namespaces, is the
    engine's own."""
    services = [pid for pid in _look({f"{ENGINE_MARKER}={folder}".encode()}).found if _serves(pid)]
    for pid in services:
        _signal(pid, signal.SIGKILL)
    return len(services)


def _serves(pid: int) -> bool:
    try:
        return b"\0system\0service\0" in (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def stop_container(pods_folder: Path, pod_uid: str, container: str) -> frozenset[int]:
    """Stop every process of one container where it stands (SIGSTOP), also those that left its group. Returns which."""
    wanted = {
        f"{PLATFORM_MARKER}={pods_folder}".encode(),
        f"{POD_MARKER}={pod_uid}".encode(),
        f"{CONTAINER_MARKER}={container}".encode(),
    }
    stopped: set[int] = set()
    for _ in range(ROUNDS_MAX):
        fresh = set(_look(wanted).found) - stopped
        if not fresh:
            break
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    return frozenset(stopped)


def resume(pids: Iterable[int]) -> None:
    """Let stopped processes go on (SIGCONT)."""
    for pid in pids:
        _signal(pid, signal.SIGCONT)


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
    clean, blank = 0, frozenset[int]()
    for _ in range(ROUNDS_MAX):
        look = _look(wanted)
        for pid in look.found:
            _signal(pid, signal.SIGKILL)
        killed.update(look.found)
        certain = not look.vanished and look.blank <= blank  # nobody ended since the last look
        clean, blank = clean + 1 if certain and not look.found else 0, look.blank
        if clean == CLEAN_LOOKS:
            break
    return len(killed)


class _Look(NamedTuple):
    """Who carries the marks; who shows no environment (zombies, the kernel's own); and whether somebody ended meanwhile:
    either may have left a child behind that was not there yet when the list was made."""

    found: list[int]
    blank: frozenset[int]
    vanished: bool


def _look(marks: Set[bytes]) -> _Look:
    own = os.getpid()
    found: list[int] = []
    blank: set[int] = set()
    vanished = False
    for entry in os.listdir(_PROC):
        if not entry.isdigit() or int(entry) == own:
            continue
        environment = _environment(entry)
        if environment is None:
            vanished = True
        elif not environment:
            blank.add(int(entry))
        elif marks <= environment:
            found.append(int(entry))
    return _Look(found, frozenset(blank), vanished)


def _environment(pid: str) -> set[bytes] | None:
    """Empty for zombies and for what is not ours to see; None for what has just ended."""
    try:
        return set(filter(None, (_PROC / pid / "environ").read_bytes().split(b"\0")))
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:
        return set()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
