"""What one container that is a process sees and may do: its mounts, its user, its rights, its control groups.

All of it belongs to a thread on Linux, and a program inherits it from the thread that starts it: so a thread of its own goes
into the view, starts the program and ends (why not bubblewrap: docs/decisions/0034). It begins in the pod's namespaces, if any.
Nothing outlives the processes but a folder and the control groups, which are the caller's.

Takes root. The root of the view is the machine's, entry by entry, on a small file system in memory: a path for a volume that the
machine does not have is made there, or on a layer over the deepest folder that there is, and never on the machine.

Caller: tanebi.kubelet.processview.
"""

from __future__ import annotations

import ctypes
import os
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tanebi.kubelet.namespaces import (
    CLONE_FS,
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    MS_NODEV_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    MS_SLAVE,
    call,
    check,
)

AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY: Final = 0x1
SYS_MOUNT_SETATTR: Final = 442
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
CAPABILITY_VERSION: Final = 0x20080522
SCRATCH: Final = b"size=8m,mode=755"
TMP: Final = Path("/tmp")
WRITABLE: Final = ("dev", "proc", "sys")
_SYSCALLS: Final = {  # setgroups, setresgid, setresuid, pivot_root
    "x86_64": (116, 119, 117, 155),
    "aarch64": (159, 149, 147, 41),
}

T = TypeVar("T")

_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """A folder or file of the machine at a path of the view."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Ids:
    user: int
    group: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """`scratch` is an empty folder of the container's own, `tmp` what it has at /tmp. `needed` are paths that it must reach,
    whoever it runs as. `dropped` are numbers of capabilities. `groups` are files that take the number of a thread (control
    groups). Without `own_root` it sees the machine as it is.
    """

    scratch: Path
    tmp: Path
    own_root: bool = True
    mounts: tuple[Shown, ...] = ()
    read_only: bool = False
    needed: tuple[Path, ...] = ()
    ids: Ids | None = None
    dropped: frozenset[int] = frozenset()
    no_new_privileges: bool = False
    groups: tuple[Path, ...] = ()

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done inside. Blocks for some milliseconds. Raises OSError."""
        done: list[T] = []
        failed: list[BaseException] = []

        def inside() -> None:
            try:
                self._enter()
                done.append(work())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=inside, name="tanebi-view")
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    def _enter(self) -> None:
        for group in self.groups:
            group.write_text(str(threading.get_native_id()))
        call(
            "unshare", CLONE_FS
        )  # who started this thread shares nothing with it that keeps him from going home
        if self.own_root:
            call("unshare", CLONE_NEWNS)
            call("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None)
            self._furnish()
        for number in self.dropped:
            call("prctl", PR_CAPBSET_DROP, number, 0, 0, 0)
        if self.ids is not None:
            _become(self.ids)
        if self.dropped:
            _drop(self.dropped)  # only now: becoming somebody else takes some of them
        if self.no_new_privileges:
            call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def _furnish(self) -> None:
        root = self.scratch
        call("mount", b"tmpfs", os.fsencode(root), b"tmpfs", MS_NODEV_NOSUID, SCRATCH)
        held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in self._kept()}
        sources = [os.open(one.source, os.O_PATH | os.O_CLOEXEC) for one in self.mounts]
        tmp = os.open(self.tmp, os.O_PATH | os.O_CLOEXEC)
        try:
            for entry in os.scandir("/"):
                _same(entry, root)
            for one in self.mounts:
                _place(root, Path(one.target), directory=one.source.is_dir())
            if self.read_only:
                _seal(root)
            _bind(_held(tmp), _in(root, TMP))
            closed = [] if self.ids is None else _closed_to_others(held)
            for folder in closed:
                over = os.fsencode(_in(root, folder))
                call("mount", b"tmpfs", over, b"tmpfs", MS_NODEV_NOSUID, SCRATCH)
            for path, source in held.items():
                if any(path.is_relative_to(cover) for cover in (TMP, *closed)):
                    _bind(_held(source), _point(_in(root, path), directory=path.is_dir()))
            for one, source in zip(self.mounts, sources, strict=True):
                target = _point(_in(root, Path(one.target)), directory=one.source.is_dir())
                _bind(_held(source), target)
                if one.read_only:
                    _read_only(target)
        finally:
            for file in (*held.values(), *sources, tmp):
                os.close(file)
        os.chdir(root)
        _raw(3, b".", b".")  # pivot_root: the old root is then over the new one, and goes
        call("umount2", b".", MNT_DETACH)
        os.chdir("/")

    def _kept(self) -> Sequence[Path]:
        """Those that exist, none inside another."""
        found: list[Path] = []
        for path in sorted({path.resolve() for path in self.needed}):
            if path.exists() and not any(path.is_relative_to(other) for other in found):
                found.append(path)
        return found


def missing() -> str:
    """Why this machine lets nobody have a view; empty: it does."""
    if os.geteuid() != 0:
        return "tanebi does not run as root"
    why: list[str] = []

    def tried() -> None:
        try:
            call("unshare", CLONE_FS | CLONE_NEWNS)
            call("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None)
        except OSError as error:
            why.append(f"no mounts of one's own ({error.strerror})")

    thread = threading.Thread(target=tried, name="tanebi-view")
    thread.start()
    thread.join()
    return "".join(why)


def _same(entry: os.DirEntry[str], root: Path) -> None:
    """The machine's entry of its root at the same place of the view."""
    target = root / entry.name
    if entry.is_symlink():
        target.symlink_to(os.readlink(entry.path))
        return
    _bind(entry.path, _point(target, directory=entry.is_dir()))


def _place(root: Path, path: Path, *, directory: bool) -> None:
    """Make `path` if the view has none: in memory, over the deepest folder that is there."""
    target = _in(root, path)
    if target.exists() or path.is_relative_to(TMP):
        return
    there = next(parent for parent in target.parents if parent.is_dir())
    if there != root:
        _layer(root, there)
    _point(target, directory=directory)


def _seal(root: Path) -> None:
    """Nothing can be written any more but to devices and what the kernel shows."""
    for entry in os.scandir(root):
        if entry.name not in WRITABLE and not entry.is_symlink() and os.path.ismount(entry.path):
            _read_only(Path(entry.path))
    call("mount", None, os.fsencode(root), None, MS_BIND | MS_REMOUNT | MS_RDONLY, None)


def _layer(root: Path, folder: Path) -> None:
    """A layer in memory over a folder; what is mounted below stays to be seen."""
    below = [path for path in _mounts() if path != folder and path.is_relative_to(folder)]
    held = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in below]
    number = len(list(root.glob(".layer*")))
    upper, work = root / f".layer{number}" / "upper", root / f".layer{number}" / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    found = folder.stat()
    options = f"lowerdir={folder},upperdir={upper},workdir={work}"
    call("mount", b"overlay", os.fsencode(folder), b"overlay", 0, options.encode())
    folder.chmod(stat.S_IMODE(found.st_mode))
    for path, source in held:
        _bind(_held(source), path)
        os.close(source)


def _mounts() -> list[Path]:
    """Where this thread sees something mounted."""
    with open("/proc/thread-self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return [Path(line.split(" ")[4].replace("\\040", " ")) for line in file]


def _closed_to_others(paths: Sequence[Path] | dict[Path, int]) -> list[Path]:
    """The folders above `paths`, outermost first, that a user who is not root may not pass."""
    found: list[Path] = []
    for path in paths:
        for parent in reversed(path.parents):
            if any(parent.is_relative_to(other) for other in (*found, TMP)):
                break
            if not parent.stat().st_mode & stat.S_IXOTH:
                found.append(parent)
                break
    return found


def _in(root: Path, path: Path) -> Path:
    """The view's path, its links followed inside the view as the machine has them."""
    resolved = Path(os.path.realpath(path))
    return root / resolved.relative_to("/")


def _point(target: Path, *, directory: bool) -> Path:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if directory:
            target.mkdir(exist_ok=True)
        else:
            target.touch()
    return target


def _held(file: int) -> str:
    return f"/proc/thread-self/fd/{file}"


def _bind(source: str, target: Path) -> None:
    call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None)


def _read_only(target: Path) -> None:
    """With all that is mounted in it."""
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    check(
        _libc.syscall(
            SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, size
        )
    )


def _drop(numbers: frozenset[int]) -> None:
    """From what the thread has."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    check(_libc.capget(header, data))
    for number in numbers:
        word, bit = divmod(number, 32)
        for kind in range(3):  # effective, permitted, inheritable
            data[3 * word + kind] &= ~(1 << bit) & 0xFFFFFFFF
    check(_libc.capset(header, data))


def _become(ids: Ids) -> None:
    """For this thread only: the C library's own calls would change all of them."""
    groups = (ctypes.c_uint32 * max(1, len(ids.groups)))(*ids.groups)
    _raw(0, len(ids.groups), groups)
    _raw(1, ids.group, ids.group, ids.group)
    _raw(2, ids.user, ids.user, ids.user)


def _raw(which: int, *args: object) -> None:
    check(_libc.syscall(_SYSCALLS[os.uname().machine][which], *args))
