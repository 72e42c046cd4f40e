"""Namespaces of Linux: a network, mounts and a host name of a pod's own, and how to do something in them.

They are held by open files and by the processes in them, never by a name: when the platform is killed and its pods are ended, the
kernel takes them down, and whatever was in them. A thread enters and leaves (setns(2) counts for a thread), so that the loop's
own thread is always at home. Making one takes about a millisecond, entering some 10 µs, measured.

Callers: tanebi.kubelet.lines and tanebi.kubelet.netkeeper (make them), tanebi.kubelet.hands (starts containers in them).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from anyio import to_thread

from tanebi.kubelet import netlink

MS_RDONLY, MS_NOEXEC, MS_REMOUNT = 0x1, 0x8, 0x20
CLONE_FS, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x200, 0x20000, 0x4000000, 0x40000000
CLONE_NEWUSER: Final = 0x10000000
MS_BIND, MS_REC, MS_SLAVE, MS_NODEV_NOSUID, MNT_DETACH = 0x1000, 0x4000, 0x80000, 0x6, 0x2
KINDS: Final = (("net", CLONE_NEWNET), ("mnt", CLONE_NEWNS), ("uts", CLONE_NEWUTS))
SO_SNDBUFFORCE: Final = 32
ANSWER_S: Final = 5.0
ANSWER_BYTES: Final = 64 * 1024

T = TypeVar("T")

_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Open files of a network, a mount and a UTS namespace."""

    net: int
    mnt: int
    uts: int

    def close(self) -> None:
        for file in (self.net, self.mnt, self.uts):
            os.close(file)


def current() -> Namespaces:
    """Those of the calling thread."""
    return Namespaces(
        *(os.open(f"/proc/thread-self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name, _ in KINDS)
    )


class Visitor:
    """A thread that does things in namespaces and comes home after each. `home` is where it belongs."""

    def __init__(self, name: str, home: Namespaces) -> None:
        self._home = home
        self._thread = ThreadPoolExecutor(1, name)
        self._alone = False  # the thread's root and working directory are its own

    async def run(self, namespaces: Namespaces, work: Callable[[], T]) -> T:
        """What `work` returns or raises; it must be short. OSError when they cannot be entered."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._visit, namespaces, work
        )

    async def at_home(self, work: Callable[[], T]) -> T:
        """`work` may enter namespaces itself."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._visit, self._home, work
        )

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    def _visit(self, namespaces: Namespaces, work: Callable[[], T]) -> T:
        if not self._alone:
            call("unshare", CLONE_FS)
            self._alone = True
        try:
            enter(namespaces)
            return work()
        finally:
            enter(self._home)


def make(files: Mapping[str, str], scratch: Path, home: Namespaces) -> Namespaces:
    """Namespaces of which the calling thread is then part. `files` (path: content) are shown in the place of the machine's.

    The mounts are those of this machine, also what is mounted later. The files are in memory; `scratch` is a folder in which they
    are made, unseen by others. Raises OSError.
    """
    enter(home)
    call("unshare", CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS)
    made = current()
    try:
        call("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None)
        call("mount", b"tmpfs", os.fsencode(scratch), b"tmpfs", MS_NODEV_NOSUID, b"size=1m")
        for number, (target, content) in enumerate(files.items()):
            source = scratch / str(number)
            source.write_text(content)
            call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND, None)
        call("umount2", os.fsencode(scratch), MNT_DETACH)
    except OSError:
        made.close()
        raise
    return made


def own_user() -> None:
    """A user namespace of this process's own: there it may what root may, with what belongs to the namespace, and its user stays
    the same. For a process with one thread. Raises OSError.
    """
    uid, gid = os.geteuid(), os.getegid()
    call("unshare", CLONE_NEWUSER)
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(line)


def apart() -> Namespaces:
    """New ones, with an empty network, of which the calling thread is then part. Raises OSError."""
    call("unshare", CLONE_FS | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS)
    call("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None)
    return current()


def show(source: Path, target: Path) -> None:
    """In the mount namespace of the calling thread, what is in `source` is at `target`, to be read only. Raises OSError."""
    call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND, None)
    kept = (
        os.statvfs(source).f_flag & MS_NOEXEC
    )  # who is not the machine's root may not take it off
    again = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NODEV_NOSUID | kept
    call("mount", None, os.fsencode(target), None, again, None)


def enter(namespaces: Namespaces) -> None:
    """Raises OSError. The calling thread must not share its file system state (Visitor's does not)."""
    for (_, kind), file in zip(
        KINDS, (namespaces.net, namespaces.mnt, namespaces.uts), strict=True
    ):
        call("setns", file, kind)


async def named(pid: int, hostname: str) -> None:
    """Give the host name to the UTS namespace that process `pid` is in. Raises OSError."""

    def rename() -> None:
        home = os.open("/proc/thread-self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
            try:
                call("setns", there, CLONE_NEWUTS)
                socket.sethostname(hostname)
            finally:
                os.close(there)
                call("setns", home, CLONE_NEWUTS)
        finally:
            os.close(home)

    await to_thread.run_sync(rename)


class Conversation:
    """With the kernel's network of the namespace in which it, or the given socket, was opened."""

    def __init__(self, family: int, given: socket.socket | None = None) -> None:
        self._socket = given or socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
        self._socket.settimeout(ANSWER_S)
        self._seq = 0

    def do(self, messages: Sequence[netlink.Message]) -> None:
        """All of them in one go. Raises OSError for the first that was refused."""
        first = self._seq + 1
        self._seq += len(messages)
        numbered = list(zip(range(first, self._seq + 1), messages, strict=True))
        waiting = {seq for seq, message in numbered if message.flags & netlink.ACK}
        self._socket.send(b"".join(message.encoded(seq) for seq, message in numbered))
        while waiting:
            for seq, error in netlink.answers(self._socket.recv(ANSWER_BYTES)):
                if error and seq >= first:
                    raise OSError(error, os.strerror(error))
                waiting.discard(seq)

    def widen(self, size: int) -> None:
        """Messages of this many bytes may go in one go; without the rights of root, as many as the system gives everybody."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, size)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def close(self) -> None:
        self._socket.close()


def call(name: str, *args: object) -> None:
    """A function of the C library. Raises OSError."""
    check(getattr(_libc, name)(*args), said=f"{name}: ")


def check(result: int, *, said: str = "") -> None:
    """Raises OSError for what a function of the C library refused."""
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{said}{os.strerror(error)}")
