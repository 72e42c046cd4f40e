"""A command beside a container of the process runtime, with its input and output connected (exec), and the same for a container
that runs already (attach).

Nothing is read ahead: what is not taken stays in the pipe, and the command waits. With a terminal the command is the leader of a
session whose terminal is ours; a few lines of Python make it so, since only the new process itself can.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, Literal

import anyio

from tanebi.api.podstreams import STDERR, STDOUT, Output, Wish
from tanebi.kubelet import processes

READ_BYTES: Final = 64 * 1024
DRAIN_READS_MAX: Final = 16  # after the end; what comes later is somebody else's
TERM: Final = "xterm"
_TAKE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class ProcessSession:
    """Implements tanebi.api.podstreams.Session."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: int | None,
        outputs: Mapping[int, Literal[1, 2]],
    ) -> None:
        """`outputs` tells the channel of each file to read. A terminal is one file, its input too. All are closed by us."""
        self._process = process
        self._stdin = stdin
        self._outputs = dict(outputs)
        self._terminal = stdin if stdin in self._outputs else None
        self._pidfd = os.pidfd_open(process.pid)
        self._code: int | None = None
        for fd in {*self._outputs, *(() if stdin is None else (stdin,))}:
            os.set_blocking(fd, False)

    async def output(self) -> AsyncIterator[Output]:
        while self._outputs:
            over = _readable(self._pidfd)  # asked before reading: nothing is missed
            found = 0
            for _ in range(DRAIN_READS_MAX if over else 1):
                for piece in self._read():
                    found += 1
                    yield piece
            if over:
                return
            if not found and self._outputs:
                await _any_readable((*self._outputs, self._pidfd))

    def _read(self) -> list[Output]:
        """What there is now, at most one read of each."""
        pieces: list[Output] = []
        for fd, channel in list(self._outputs.items()):
            data = _take(fd)
            if data:
                pieces.append((channel, data))
            elif data is not None:
                del self._outputs[fd]
                if fd != self._terminal:
                    os.close(fd)
        return pieces

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._stdin is not None:
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                await anyio.wait_writable(self._stdin)
            except OSError:
                return  # nobody reads it any more

    async def write_end(self) -> None:
        if self._terminal is not None:
            await self.write(b"\x04")  # a terminal has no end but the character for it
        elif self._stdin is not None:
            fd, self._stdin = self._stdin, None
            os.close(fd)

    async def resize(self, columns: int, rows: int) -> None:
        if self._terminal is not None:
            set_size(self._terminal, columns, rows)

    async def wait(self) -> int:
        if self._code is None:
            await _any_readable((self._pidfd,))
            code = self._process.wait()
            self._code = code if code >= 0 else 128 - code
        return self._code

    async def close(self) -> None:
        """The command and what it started in its own group are ended; the rest ends with the pod."""
        if self._code is None:
            processes.kill_group(self._process.pid)
            await self.wait()
        for fd in {*self._outputs, *(() if self._stdin is None else (self._stdin,)), self._pidfd}:
            os.close(fd)
        self._outputs, self._stdin, self._terminal, self._pidfd = {}, None, None, -1


def spawn(argv: tuple[str, ...], env: Mapping[str, str], cwd: Path, wish: Wish) -> ProcessSession:
    """Raises OSError, ValueError."""
    if wish.tty:
        process, master = spawn_on_terminal(argv, env, cwd)
        return ProcessSession(process, master, {master: STDOUT})
    theirs: list[int] = []
    ours: list[int] = []

    def pipe(*, reading: bool) -> tuple[int, int]:
        """Ours and theirs."""
        read, write = os.pipe()
        own, other = (read, write) if reading else (write, read)
        ours.append(own)
        theirs.append(other)
        return own, other

    stdin = pipe(reading=False) if wish.stdin else None
    stdout = pipe(reading=True) if wish.stdout else None
    stderr = pipe(reading=True) if wish.stderr else None
    try:
        process = subprocess.Popen(
            argv,
            stdin=stdin[1] if stdin else subprocess.DEVNULL,
            stdout=stdout[1] if stdout else subprocess.DEVNULL,
            stderr=stderr[1] if stderr else subprocess.DEVNULL,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    except BaseException:
        _close_all(ours)
        raise
    finally:
        _close_all(theirs)
    outputs: dict[int, Literal[1, 2]] = {}
    if stdout:
        outputs[stdout[0]] = STDOUT
    if stderr:
        outputs[stderr[0]] = STDERR
    return ProcessSession(process, stdin[0] if stdin else None, outputs)


def spawn_on_terminal(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and our end of the terminal that it leads. Raises OSError, ValueError."""
    if shutil.which(argv[0], path=env.get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    master, slave = os.openpty()
    try:
        process = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={"TERM": TERM, **env},
            start_new_session=True,
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return process, master


def set_size(fd: int, columns: int, rows: int) -> None:
    """Of a terminal; the programs in it hear of it. One that is gone needs none."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def _take(fd: int) -> bytes | None:
    """One read. None: nothing now; empty: nothing ever again (a terminal whose programs are gone says EIO)."""
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _readable(pidfd: int) -> bool:
    """Whether the process has ended."""
    return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


async def _any_readable(fds: tuple[int, ...]) -> None:
    loop, event = asyncio.get_running_loop(), anyio.Event()
    for fd in fds:
        loop.add_reader(fd, event.set)
    try:
        await event.wait()
    finally:
        for fd in fds:
            loop.remove_reader(fd)
