"""Building an image in the engine: a directory as a tar archive in, what the steps say out, a pinned reference at the end.

The directory is read as it is sent: nothing is copied. Callers: tanebi.cli.image and tanebi.cli.deploy.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from tanebi.api.meta import Obj
from tanebi.base.errors import UserError
from tanebi.kubelet.engine import ignoring
from tanebi.kubelet.engine.errors import EngineError
from tanebi.kubelet.engine.images import EngineImage, pinned
from tanebi.kubelet.engine.pulling import advised
from tanebi.kubelet.images import Missing

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

NAMES: Final = ("Containerfile", "Dockerfile")
CHUNK_BYTES: Final = 256 * 1024
TAIL_LINES: Final = 12
BLOCK: Final = 512
_STEP: Final = re.compile(r"^step \d+/\d+ ?: ", re.IGNORECASE)


def containerfile(directory: Path) -> str | None:
    """The name of the file that says how to build; None: the directory has none."""
    return next((name for name in NAMES if (directory / name).is_file()), None)


async def build(
    client: EngineClient, directory: Path, tag: str, *, say: Callable[[str], None]
) -> EngineImage:
    """`say` gets each line of the build. Raises UserError with the step that failed."""
    name = containerfile(directory)
    if name is None:
        raise UserError(
            "containerfile-missing",
            f"{directory} has no Containerfile and no Dockerfile",
            hint="write one, or a Procfile for a directory image",
        )
    progress = Progress(say)
    try:
        async with client.build(context(directory, name), tag, name) as lines:
            async for line in lines:
                progress.take(line)
    except EngineError as error:
        progress.failed = error.message
    if progress.failed:
        raise UserError("build-failed", progress.words(), hint="the lines above tell more")
    found = await pinned(client, tag)
    if isinstance(found, Missing):
        raise UserError("build-failed", f"the engine built no image {tag}")
    return found


@dataclass(slots=True)
class Progress:
    """What the engine says of a build, line by line."""

    say: Callable[[str], None]
    step: str = ""
    failed: str = ""
    _rest: str = ""
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def take(self, line: Obj) -> None:
        """One message: part of a step's output, a layer's progress, or an error."""
        if "error" in line:
            self.failed = str(line["error"]).strip()
        elif "stream" in line:
            *whole, self._rest = (self._rest + str(line["stream"])).split("\n")
            for text in whole:
                self._line(text.rstrip("\r"))
        elif line.get("status") and not line.get("progressDetail"):
            self._line(" ".join(filter(None, (str(line.get("id", "")), str(line["status"])))))

    def words(self) -> str:
        """Why it failed, and where."""
        where = f"at {self.step}: " if self.step else ""
        pulls = " FROM " in self.step
        why = advised(self.failed) if pulls else self.failed
        return f"the image could not be built {where}{why}"

    def _line(self, text: str) -> None:
        if _STEP.match(text):
            self.step = text
        if text:
            self._tail.append(text)
            self.say(text)


async def context(directory: Path, name: str) -> AsyncIterator[bytes]:
    """The directory as a tar archive. What is ignored stays out, but never the file that says how to build."""
    pieces = archive(directory, name)
    while True:
        piece = await to_thread.run_sync(next, pieces, b"")
        if not piece:
            return
        yield piece


def archive(directory: Path, name: str) -> Iterator[bytes]:
    """Pieces of the archive, read as they are asked for. Raises OSError."""
    known = _rules(directory)
    for path, relative in _walk(directory, "", known, keep=name):
        info = _entry(path, relative)
        if info is None:
            continue
        yield info.tobuf(tarfile.PAX_FORMAT)
        if info.isreg():
            yield from _content(path, info.size)
    yield bytes(2 * BLOCK)


def _rules(directory: Path) -> tuple[ignoring.Rule, ...]:
    for name in ignoring.FILES:
        path = directory / name
        if path.is_file():
            return ignoring.rules(path.read_text(errors="replace"))
    return ()


def _walk(
    folder: Path, prefix: str, known: tuple[ignoring.Rule, ...], *, keep: str
) -> Iterator[tuple[Path, str]]:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        relative = f"{prefix}{entry.name}"
        ignored = relative != keep and ignoring.is_ignored(relative, known)
        if not ignored:
            yield Path(entry.path), relative
        if entry.is_dir(follow_symlinks=False) and not (ignored and ignoring.may_be_skipped(known)):
            yield from _walk(Path(entry.path), f"{relative}/", known, keep=keep)


def _entry(path: Path, relative: str) -> tarfile.TarInfo | None:
    """None for what an image cannot hold: sockets, devices, pipes. Owned by root: who builds is nobody's business."""
    found = path.lstat()
    info = tarfile.TarInfo(relative)
    info.mode, info.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
    if stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        info.size = found.st_size
    else:
        return None
    return info


def _content(path: Path, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes and the padding; a file that became shorter meanwhile is filled up."""
    left = size
    with open(path, "rb") as file:
        while left:
            piece = file.read(min(left, CHUNK_BYTES)) or bytes(min(left, CHUNK_BYTES))
            left -= len(piece)
            yield piece
    if size % BLOCK:
        yield bytes(BLOCK - size % BLOCK)
