"""Interfaces of others, an engine's bridge for one, from which pods reach the platform's loopback.

Several platforms of one machine may share a bridge. Each holds a lock on it that the kernel lets go with its process; who leaves
last closes the door. A bridge that was removed and made again has its door closed, so it is opened again for each pod.
Caller: tanebi.kubelet.hands.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

LOCKS: Final = Path("/run")
SETTINGS: Final = Path("/proc/sys/net/ipv4/conf")


class Doors:
    def __init__(self, locks: Path = LOCKS, settings: Path = SETTINGS) -> None:
        self._locks = locks
        self._settings = settings
        self._held: dict[str, int] = {}

    def open(self, interface: str) -> None:
        """Packets that rules send on to 127.0.0.1 may come in there. Raises OSError."""
        if interface not in self._held:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            held = os.open(self._locks / f"tanebi-{interface}.lock", flags, 0o600)
            fcntl.flock(held, fcntl.LOCK_SH)  # who closes the door holds it for a moment
            self._held[interface] = held
        self._write(interface, "1\n")

    def close(self) -> None:
        """All that nobody else holds open."""
        for interface, held in self._held.items():
            with contextlib.suppress(OSError):  # others hold it (BlockingIOError), or it is gone
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._write(interface, "0\n")
            os.close(held)
        self._held.clear()

    def _write(self, interface: str, value: str) -> None:
        (self._settings / interface / "route_localnet").write_text(value)
