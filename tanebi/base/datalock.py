"""One platform for one data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tanebi.base.errors import UserError

ROOM_MIN_BYTES: Final = 1024 * 1024  # what the first start writes, and some


def prepare(root: Path) -> None:
    """Make the directory, private to its user. Raises UserError when it cannot be used."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = root / ".writable"
        try:
            probe.write_bytes(bytes(ROOM_MIN_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            "data-dir-unusable",
            f"the data directory {root} cannot be used: {error.strerror}",
            hint="choose another with --data-dir or TANEBI_DATA_DIR, or mend its permissions; a start needs 1 MiB of room",
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, with our pid inside. The kernel lets go of it when we die, however we die.

    Raises UserError when another platform holds it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
            raise UserError(
                "data-dir-locked",
                f"a platform (pid {holder}) runs on {path.parent} already",
                hint="use it, stop it (Ctrl-C), or choose another --data-dir",
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)
