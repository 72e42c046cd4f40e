"""How a directory becomes a snapshot: copy, command, requirements, digest.

Everything happens in a staging folder of its own; tanebi.kubelet.images puts the result in place. Blocks: callers are the
command line, or a worker thread.
"""

from __future__ import annotations

import compileall
import contextlib
import fnmatch
import hashlib
import importlib.util
import os
import py_compile
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import venv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanebi.base.errors import UserError
from tanebi.base.files import sync

TAG: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d+)?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?"
)
IGNORE_FILE: Final = ".tanebiignore"
ALWAYS_IGNORED: Final = (".git", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache", "*.pyc")
REQUIREMENTS: Final = "requirements.txt"
INSTALL_DEADLINE_S: Final = 600
INSTALL_ERROR_LINES: Final = 5
ABANDONED_S: Final = 24 * 3600

_PROCFILE_WEB: Final = re.compile(r"^web:\s*(\S.*?)\s*$", re.MULTILINE)
_NEEDS_SHELL: Final = re.compile(r"[|&;<>()$`*?\[\]#~{}\n]|^\s*\w+=")
_NEEDS_WHOLE_SHELL: Final = re.compile(r"[|&;<>()\n]|^\s*\w+=|^\s*exec\s")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Staged:
    """A snapshot that is not in place yet. `folder` holds `root` and perhaps `venv`."""

    folder: Path
    digest: str
    command: tuple[str, ...]
    has_venv: bool
    size_bytes: int


def stage(
    directory: Path, scratch: Path, *, command: Sequence[str] | None, progress: Progress
) -> Staged:
    """Raises UserError for what the caller can mend, OSError for what the disk refuses. Removes the folder then."""
    if not directory.is_dir():
        raise UserError("image-source-missing", f"{directory} is not a directory")
    if scratch.resolve().is_relative_to(directory.resolve()):
        raise UserError(
            "image-source-invalid",
            f"{directory} holds the platform's own data: an image of it would hold itself",
            hint="build a folder of its own, or move the data directory with --data-dir",
        )
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    _drop_abandoned(scratch, newest=folder)
    try:
        files, size = _copy(directory, folder / "root", progress)
        progress(f"copied {files} files, {size} bytes")
        argv = tuple(command) if command else procfile_command(directory)
        if not argv:
            progress("no Procfile with a web: line: the manifest must set command")
        has_venv = (folder / "root" / REQUIREMENTS).is_file()
        if has_venv:
            _install(folder / "root" / REQUIREMENTS, folder / "venv", progress)
        digest = _digest(folder, argv)
    except BaseException:
        remove_tree(folder)
        raise
    return Staged(folder, digest, argv, has_venv, size)


def _drop_abandoned(scratch: Path, *, newest: Path) -> None:
    """Remove what builds left that were killed. The file system's own clock decides."""
    now = newest.stat().st_mtime
    for folder in scratch.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its build has just ended
            if now - folder.stat().st_mtime > ABANDONED_S:
                remove_tree(folder)


def seal(staged: Staged, *, final: Path) -> None:
    """Make the staged tree what will be run from `final`: byte code, script headers, read-only, on disk."""
    root = staged.folder / "root"
    compileall.compile_dir(
        root,
        quiet=2,
        stripdir=str(root),
        prependdir=str(final / "root"),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if staged.has_venv:
        _move_scripts(staged.folder / "venv", final / "venv")
    for path, is_folder in _walk(staged.folder):
        if not path.is_symlink():
            executable = is_folder or path.stat().st_mode & stat.S_IXUSR
            sync(path)
            path.chmod(0o555 if executable else 0o444)


def remove_tree(folder: Path) -> None:
    """Remove a tree whose folders may be read-only. Does nothing when there is none."""
    if not folder.exists():
        return
    for path, is_folder in _walk(folder):
        if is_folder and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def procfile_command(directory: Path) -> tuple[str, ...]:
    """The Procfile's `web:` line as an argument list; empty when there is none. Raises UserError for a bad line."""
    try:
        text = (directory / "Procfile").read_text()
    except FileNotFoundError:
        return ()
    found = _PROCFILE_WEB.search(text)
    return shell_words(found[1]) if found else ()


def shell_words(line: str) -> tuple[str, ...]:
    """A command line without a shell where none is needed: one process and a millisecond less. Raises UserError."""
    if _NEEDS_WHOLE_SHELL.search(line):
        return ("/bin/sh", "-c", line)
    if _NEEDS_SHELL.search(line):
        return ("/bin/sh", "-c", f"exec {line}")
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise UserError("procfile-invalid", f"Procfile: cannot read {line!r}: {error}") from error


def _copy(source: Path, target: Path, progress: Progress) -> tuple[int, int]:
    """Copy what is not ignored. Returns the number of files and their bytes."""
    ignored = [*ALWAYS_IGNORED, *_ignore_patterns(source)]
    target.mkdir()
    files = size = 0
    for path, is_folder in _walk(source, lambda rel: _is_ignored(rel, ignored)):
        to = target / path.relative_to(source)
        if path.is_symlink():
            if not path.resolve().is_relative_to(source.resolve()):
                progress(f"note: {path.relative_to(source)} points outside; it is kept as a link")
            to.symlink_to(os.readlink(path))
        elif is_folder:
            to.mkdir(exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, to)
            to.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
            files, size = files + 1, size + to.stat().st_size
        else:
            progress(f"note: {path.relative_to(source)} is not a file; left out")
    return files, size


def _ignore_patterns(source: Path) -> list[str]:
    try:
        lines = (source / IGNORE_FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [line.strip().strip("/") for line in lines if line.strip() and line[0] != "#"]


def _is_ignored(relative: Path, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(relative.name, p) or fnmatch.fnmatchcase(str(relative), p)
        for p in patterns
    )


def _walk(
    top: Path, skip: Callable[[Path], bool] = lambda relative: False
) -> Iterator[tuple[Path, bool]]:
    """Everything below `top` with whether it is a folder, sorted, parents first, links not followed."""
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        kept = sorted(name for name in folders if not skip((here / name).relative_to(top)))
        folders[:] = kept
        for name in kept:
            yield here / name, True
        for name in sorted(files):
            if not skip((here / name).relative_to(top)):
                yield here / name, False


def _digest(folder: Path, command: Sequence[str]) -> str:
    """Over paths, modes, contents, the command, and the versions that the requirements led to."""
    root = folder / "root"
    total = hashlib.sha256()
    for path, is_folder in sorted(_walk(root)):
        if path.is_symlink():
            kind, content = "l", os.readlink(path).encode()
        elif is_folder:
            kind, content = "d", b""
        else:
            kind = "x" if path.stat().st_mode & stat.S_IXUSR else "f"
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        total.update(f"{kind}\0{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    packages = sorted(p.name for p in folder.glob("venv/lib/*/site-packages/*.dist-info"))
    total.update("\0".join(("command", *command, "packages", *packages)).encode())
    return f"sha256:{total.hexdigest()}"


def _install(requirements: Path, target: Path, progress: Progress) -> None:
    """A virtual environment with what `requirements` names. Raises UserError with the installer's last lines."""
    progress(f"installing {REQUIREMENTS}")
    own_pip = importlib.util.find_spec("pip") is not None
    venv.create(target, symlinks=True, with_pip=not own_pip)
    python = str(target / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python] if own_pip else [python, "-m", "pip"]
    argv = [*pip, "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
    last: deque[str] = deque(maxlen=INSTALL_ERROR_LINES)
    with subprocess.Popen(
        [*argv, "-r", str(requirements)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        deadline = threading.Timer(INSTALL_DEADLINE_S, process.kill)
        deadline.start()
        for line in process.stdout or ():
            last.append(line.rstrip())
            progress(f"  {line.rstrip()}")
        deadline.cancel()
    if process.returncode != 0:
        raise UserError(
            "image-requirements-failed",
            f"{REQUIREMENTS} could not be installed (pip exit {process.returncode}):\n"
            + "\n".join(last),
            hint="check the package names and versions, and that this machine reaches a package index",
        )


def _move_scripts(built: Path, final: Path) -> None:
    """Scripts of a virtual environment name its interpreter by full path: name the one it will have."""
    old, new = f"#!{built}/".encode(), f"#!{final}/".encode()
    for script in (built / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            content = script.read_bytes()
            if content.startswith(old):
                script.write_bytes(new + content[len(old) :])
