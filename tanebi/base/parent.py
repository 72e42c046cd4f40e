"""The life of a process that must not outlive the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

from tanebi.base.errors import UserError
from tanebi.base.log import get_logger

_PR_SET_PDEATHSIG: Final = 1

log = get_logger("parent")


def die_with(parent: int) -> None:
    """The kernel kills this process when `parent` dies. Raises UserError when it is dead already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        log.warning("cannot be bound to the parent's life", errno=ctypes.get_errno())
    if os.getppid() != parent:
        raise UserError("parent-gone", f"the process {parent} that started this one has ended")
