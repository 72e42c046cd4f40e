"""The terminal that a command runs in: its input without a thread, its size, and raw mode that is always undone.

Callers: tanebi.cli.session.
"""

from __future__ import annotations

import os
import stat
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio

READ_BYTES: Final = 32 * 1024


class Keyboard:
    """Standard input, or what stands in its place: a terminal, a pipe, a file."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._waits = not _is_file(fd)

    async def read(self) -> bytes:
        """What was typed next; empty at the end."""
        if self._waits:
            try:
                await anyio.wait_readable(self.fd)
            except PermissionError:  # nothing to wait for, as with /dev/null
                self._waits = False
        try:
            return os.read(self.fd, READ_BYTES)
        except OSError:  # closed, or its terminal is gone
            return b""


def _is_file(fd: int) -> bool:
    """Always readable: nobody can wait for a file."""
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return True


def stdin_fd() -> int:
    """-1: there is none."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return -1


def is_terminal(fd: int) -> bool:
    return fd >= 0 and os.isatty(fd)


def size_of(fd: int) -> tuple[int, int] | None:
    """Columns and rows."""
    try:
        size = os.get_terminal_size(fd)
    except OSError:
        return None
    return (size.columns, size.lines) if size.columns and size.lines else None


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Each key goes on as it is, Ctrl-C too, until the end."""
    before = termios.tcgetattr(fd)
    tty.setraw(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
