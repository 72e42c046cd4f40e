"""Volumes in memory: a tmpfs on a folder, and its end. Takes root; without it the folder stays on the disk."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final

from tanebi.api import quantity
from tanebi.base.log import get_logger
from tanebi.kubelet.namespaces import MNT_DETACH, MS_NODEV_NOSUID

_MOUNTS: Final = Path("/proc/self/mounts")

_libc: Final = ctypes.CDLL(None, use_errno=True)
_log = get_logger("volumes")


def mount(folder: Path, limit: str | int | None) -> None:
    """Once. `limit` is its size, a quantity; None: half of the machine's memory, as the kernel has it."""
    if folder in mounted():
        return
    size = f"size={int(quantity.parse(limit))}" if limit else ""
    what = (
        b"tmpfs",
        os.fsencode(folder),
        b"tmpfs",
        MS_NODEV_NOSUID,
        f"mode=777,{size}".rstrip(",").encode(),
    )
    if _libc.mount(*what) != 0:
        _log.info("volume on disk instead of memory", why=os.strerror(ctypes.get_errno()))


def release(folder: Path) -> None:
    """Everything that is mounted in `folder`."""
    for place in mounted():
        if place.is_relative_to(folder):
            _libc.umount2(os.fsencode(place), MNT_DETACH)


def mounted() -> list[Path]:
    """Where a tmpfs is."""
    found = []
    with contextlib.suppress(OSError):
        for line in _MOUNTS.read_text().splitlines():
            words = line.split(" ")
            if words[2] == "tmpfs":
                found.append(Path(words[1].encode().decode("unicode_escape")))
    return found
