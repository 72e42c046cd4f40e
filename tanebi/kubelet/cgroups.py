"""Control groups for containers that are processes: how much memory and processor time they may take.

Of version 1 and 2, where they are mounted and ours to write. A group is `tanebi-<platform>/<pod uid>.<container>`. With version 1
the thread that starts a program goes in first, and the program with it; version 2 takes whole processes only, so a program is put
in the moment it has started. Groups are removed with the pod, and those of a killed platform at the next start.

Blocks for the kernel's files. Callers: tanebi.kubelet.processpods, tanebi.kubelet.process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanebi.api import quantity
from tanebi.api.core.pod import Container

ROOT: Final = Path("/sys/fs/cgroup")
PERIOD_US: Final = 100_000
QUOTA_MIN_US: Final = 1000
SHARES_PER_CPU, SHARES_MIN, SHARES_MAX = 1024, 2, 262144


@dataclass(frozen=True, slots=True)
class Amounts:
    """None: as much as there is."""

    memory: int | None = None
    quota_us: int | None = None
    shares: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One container's. `threads` and `processes` are files to be told who is in it: before and after the start."""

    folders: tuple[Path, ...]
    threads: tuple[Path, ...]
    processes: tuple[Path, ...]
    kills: Path
    killed_before: int = 0

    def join(self, pid: int) -> None:
        """Raises OSError."""
        for file in self.processes:
            file.write_text(str(pid))

    def has_killed(self) -> bool:
        """Whether the kernel ended something in it, since it was made or made again, for want of memory."""
        return _kills(self.kills) > self.killed_before


def amounts(container: Container) -> Amounts:
    """As Kubernetes reckons them."""
    limits, requests = container.resources.limits, container.resources.requests
    memory, cpu = limits.get("memory"), limits.get("cpu")
    asked = requests.get("cpu", cpu)
    shares = None if asked is None else int(quantity.parse(asked) * SHARES_PER_CPU)
    return Amounts(
        memory=None if memory is None else int(quantity.parse(memory)),
        quota_us=None if cpu is None else max(QUOTA_MIN_US, int(quantity.parse(cpu) * PERIOD_US)),
        shares=None if shares is None else min(max(SHARES_MIN, shares), SHARES_MAX),
    )


class Groups:
    """`platform` names this platform's among those of the machine."""

    def __init__(self, platform: str, root: Path = ROOT) -> None:
        self._name = f"tanebi-{platform}"
        self._root = root
        self._unified = (root / "cgroup.controllers").exists()

    @property
    def missing(self) -> str:
        """Why there are none; empty: there are."""
        closed = (one for one in self._parents() if not os.access(one, os.W_OK))
        return next((f"{one} is not writable" for one in closed), "")

    def make(self, pod_uid: str, container: str, wanted: Amounts) -> Group:
        """Raises OSError."""
        folders = []
        for parent in self._parents():
            home = parent / self._name
            if self._unified:
                _enable(parent)
            home.mkdir(exist_ok=True)
            if self._unified:
                _enable(home)
            folder = home / f"{pod_uid}.{container}"
            folder.mkdir(exist_ok=True)
            folders.append(folder)
            for name, text in self._settings(parent, wanted).items():
                (folder / name).write_text(text)
        kills = folders[0] / ("memory.events" if self._unified else "memory.oom_control")
        return Group(
            folders=tuple(folders),
            threads=() if self._unified else tuple(one / "tasks" for one in folders),
            processes=tuple(one / "cgroup.procs" for one in folders) if self._unified else (),
            kills=kills,
            killed_before=_kills(kills),
        )

    def remove(self, pod_uid: str) -> bool:
        """False: something is still in one of them, which has just ended and is not forgotten yet."""
        return self._remove(f"{pod_uid}.*")

    def remove_all(self) -> bool:
        return self._remove("*.*")

    def _remove(self, pattern: str) -> bool:
        """The platform's own folder too, when nothing is in it any more."""
        gone = True
        for parent in self._parents():
            for folder in (parent / self._name).glob(pattern):
                if folder.is_dir():
                    try:
                        folder.rmdir()
                    except OSError:
                        gone = False
            with contextlib.suppress(OSError):  # there is none, or something is in it
                (parent / self._name).rmdir()
        return gone

    def _parents(self) -> Iterator[Path]:
        """Memory first."""
        if self._unified:
            yield self._root
        else:
            yield self._root / "memory"
            yield self._root / "cpu"

    def _settings(self, parent: Path, wanted: Amounts) -> Mapping[str, str]:
        memory, quota, shares = wanted.memory, wanted.quota_us, wanted.shares
        found: dict[str, str] = {}
        if self._unified:
            if memory is not None:
                found |= {"memory.max": str(memory), "memory.swap.max": "0"}
            if quota is not None:
                found["cpu.max"] = f"{quota} {PERIOD_US}"
            if shares is not None:
                found["cpu.weight"] = str(1 + (shares - 2) * 9999 // 262142)
        elif parent.name == "memory" and memory is not None:
            found["memory.limit_in_bytes"] = str(memory)
        elif parent.name == "cpu":
            if quota is not None:
                found |= {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota)}
            if shares is not None:
                found["cpu.shares"] = str(shares)
        return found


def _kills(file: Path) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _enable(folder: Path) -> None:
    """What is below may be limited."""
    (folder / "cgroup.subtree_control").write_text("+memory +cpu")
