"""A platform of somebody who is not root, also where the tests are.

The user is a number that nobody has. Python and the program may be where such a user cannot look (root's home): then the commands
run in a mount namespace of their own, in which nothing else is there.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import tanebi
from tanebi.testing.platform import Platform

SUPERUSER: Final = 0
FIRST_UID: Final = 64000


class OrdinaryPlatform(Platform):
    """`folder` is made readable for its user."""

    def __init__(
        self, folder: Path, *arguments: str, runtime: str = "process", uid: int | None = None
    ) -> None:
        """`uid`: whom to be instead of nobody in particular, where the tests are root's."""
        super().__init__(folder / "data", *arguments, runtime=runtime)
        self.uid = os.geteuid() or uid or FIRST_UID + os.getpid() % 1000
        self._prefix = _becoming(self.uid) if os.geteuid() == SUPERUSER else []
        if self._prefix:
            (folder / "run").mkdir(mode=0o700, exist_ok=True)
            for path in (folder, folder / "run"):
                os.chown(path, self.uid, self.uid)

    @property
    def command(self) -> list[str]:
        return [*self._prefix, sys.executable, "-m", "tanebi"]

    @property
    def environment(self) -> dict[str, str]:
        home = self.data_dir.parent
        inherited = super().environment
        inherited.pop("DOCKER_HOST", None)
        return {**inherited, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Another program, as this user."""
        return self._run([*self._prefix, *command], stdin=None, check=True)

    def processes(self) -> list[int]:
        """All that run as this user; only for one that nobody else is."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                own = entry.stat().st_uid == self.uid
            except FileNotFoundError:
                continue
            if own and (entry / "cmdline").exists() and _lives(entry):
                found.append(int(entry.name))
        return found


def folder() -> tempfile.TemporaryDirectory[str]:
    """One that an ordinary user finds: pytest's own are for their owner alone."""
    return tempfile.TemporaryDirectory(prefix="tanebi-")


def _lives(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _becoming(uid: int) -> list[str]:
    """The words that run what follows as this user."""
    plain = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]
    needed = {Path(sys.base_prefix), Path(sys.prefix), Path(tanebi.__file__).parents[1]}
    hidden = {path: closed for path in needed if (closed := _closed(path))}
    if not hidden:
        return plain
    lines = ["set -e", "T=$(mktemp -d)", "mount -t tmpfs none $T"]
    for number, path in enumerate(hidden):
        lines += [f"mkdir $T/{number}", f"mount --bind {shlex.quote(str(path))} $T/{number}"]
    lines += [
        f"mount -t tmpfs -o mode=755 none {shlex.quote(str(closed))}"
        for closed in set(hidden.values())
    ]
    for number, path in enumerate(hidden):
        quoted = shlex.quote(str(path))
        lines += [f"mkdir -p {quoted}", f"mount --move $T/{number} {quoted}"]
    lines += ["umount $T", "rmdir $T", 'exec "$@"']
    inner = ["sh", "-c", "\n".join(lines), "sh", *plain]
    return ["unshare", "--mount", "--propagation", "slave", *inner]


def _closed(path: Path) -> Path | None:
    """The first folder above `path` that others cannot pass."""
    return next((p for p in reversed(path.parents) if not p.stat().st_mode & stat.S_IXOTH), None)
