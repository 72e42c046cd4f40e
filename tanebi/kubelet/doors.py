"""Interfaces of others, an engine's bridge for one, from which pods reach the platform's loopback.

Several platforms of one machine may share a bridge. Each holds a lock on it that the kernel lets go with its process; who leaves
last closes the door and takes the lock's file away, and the next platform does it for one that was killed. A bridge that was
removed and made again has its door closed, so it is opened again for each pod.
Caller: tanebi.kubelet.hands.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

LOCKS: Final = Path("/run")
PREFIX: Final = "tanebi-"
SUFFIX: Final = ".lock"
FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
SETTINGS: Final = Path("/proc/sys/net/ipv4/conf")


class Doors:
    def __init__(self, locks: Path = LOCKS, settings: Path = SETTINGS) -> None:
        self._locks = locks
        self._settings = settings
        self._held: dict[str, int] = {}

    def open(self, interface: str) -> None:
        """Packets that rules send on to 127.0.0.1 may come in there. Raises OSError."""
        if interface not in self._held:
            self._held[interface] = self._take(interface)
            self._close_left()
        self._write(interface, "1\n")

    def close(self) -> None:
        """All that nobody else holds open."""
        for interface, held in self._held.items():
            self._let_go(interface, held)
        self._held.clear()

    def _path(self, interface: str) -> Path:
        return self._locks / f"{PREFIX}{interface}{SUFFIX}"

    def _take(self, interface: str) -> int:
        """Whoever closed the door while we waited has taken the file away: then there is another one to hold."""
        path = self._path(interface)
        while True:
            held = os.open(path, FLAGS | os.O_CREAT, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_SH)  # who closes the door holds it for a moment
                if _is_at(held, path):
                    return held
            except BaseException:
                os.close(held)
                raise
            os.close(held)

    def _let_go(self, interface: str, held: int) -> None:
        path = self._path(interface)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(held, path):
                with contextlib.suppress(OSError):  # the interface is gone
                    self._write(interface, "0\n")
                path.unlink(missing_ok=True)
        except BlockingIOError:
            return  # others hold it
        finally:
            os.close(held)

    def _close_left(self) -> None:
        """Doors that killed platforms left open."""
        for path in self._locks.glob(f"{PREFIX}*{SUFFIX}"):
            interface = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
            if interface not in self._held:
                with contextlib.suppress(OSError):  # gone meanwhile, or not ours
                    self._let_go(interface, os.open(path, FLAGS))

    def _write(self, interface: str, value: str) -> None:
        (self._settings / interface / "route_localnet").write_text(value)


def _is_at(held: int, path: Path) -> bool:
    """Whether it is that file that is open."""
    try:
        return os.path.samestat(os.fstat(held), path.lstat())
    except FileNotFoundError:
        return False
