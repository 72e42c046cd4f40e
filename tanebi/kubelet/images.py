"""Images of the process runtime: directories with a command, snapshotted by content digest.

Layout under the data directory's `images/`: `snapshots/<sha256>/root` (the files), `snapshots/<sha256>/venv` (what a
requirements.txt asked for), `snapshots/<sha256>/image.json`, and `index.json` (tag to digest), which is replaced whole.
The command line builds while the platform runs, so the index is read anew whenever the file has changed, and writers
take a lock file. Calls block on the disk, `resolve` for one stat. What a build does is in tanebi.kubelet.imagebuild.

Callers: tanebi.cli (`tanebi image …`, `tanebi deploy`), tanebi.kubelet.worker, tanebi.up (facts for revisions).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.meta import rfc3339
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.files import sync, write_atomically
from tanebi.kubelet import imagebuild

DEFAULT_TAG: Final = "latest"
WATCH_INTERVAL_S: Final = (
    0.25  # one stat of one file; how late a running platform may notice a build
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """One snapshot under one of its names. `tag` is empty for a snapshot that is known by its digest only."""

    tag: str
    digest: str
    command: tuple[str, ...]
    root: Path
    venv: Path | None
    size_bytes: int
    created: str

    @property
    def reference(self) -> str:
        """`dev.local/hello@sha256:…`."""
        return f"{repository(self.tag)}@{self.digest}" if self.tag else self.digest


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such image; `message` says what to do, `reason` what a pod shows that waits for it."""

    message: str
    reason: str = "ErrImagePull"


def repository(ref: str) -> str:
    """A reference without its tag and digest."""
    name = ref.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def full_tag(ref: str) -> str:
    """`dev.local/hello` as `dev.local/hello:latest`."""
    name = ref.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else f"{name}:{DEFAULT_TAG}"


class ImageStore:
    """The snapshots and tags under one folder. Inert until used; any number of processes may use one folder."""

    def __init__(self, root: Path, *, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._index: dict[str, str] = {}
        self._index_stamp: tuple[int, int, int] | None = None
        self._snapshots: dict[str, dict[str, Any]] = {}  # by digest, whose content never changes

    def build(
        self,
        directory: Path,
        tag: str,
        *,
        command: Sequence[str] | None = None,
        progress: Progress,
    ) -> Image:
        """Snapshot `directory` and let `tag` mean it. `command` overrides the Procfile's `web:` line.

        Raises UserError: not a directory, a bad tag, requirements that cannot be installed, a store that cannot be
        written. A failed build changes nothing.
        """
        check_tag(tag)
        with _writable(self._root):
            staged = imagebuild.stage(
                directory, self._root / "tmp", command=command, progress=progress
            )
            try:
                with self._locked():
                    self._place(staged)
                    self._write_index({**self._tags(), full_tag(tag): staged.digest})
            finally:
                shutil.rmtree(staged.folder, ignore_errors=True)
        found = self.resolve(tag)
        assert isinstance(found, Image), "a build that was just written"
        return found

    def resolve(self, ref: str) -> Image | Missing:
        """The image that `ref` (by tag or by digest) means now."""
        _, at, digest = ref.partition("@")
        if not at:
            digest = self._tags().get(full_tag(ref), "")
        image = self._load(digest, ref if at else full_tag(ref)) if digest else None
        if image is not None:
            return image
        name = repository(ref)
        return Missing(
            f"no image {ref} in this platform's store; build it: tanebi image build DIR --tag {name}"
        )

    def list(self) -> list[Image]:
        """Every tagged image, by tag."""
        found = (self._load(digest, tag) for tag, digest in sorted(self._tags().items()))
        return [image for image in found if image is not None]

    def remove(self, ref: str, *, used: Collection[str] | None) -> None:
        """Drop a tag, and its snapshot when no tag and none of the `used` digests need it.

        `used=None` means nobody knows who uses what: the snapshot stays until `prune`. Raises UserError for an unknown tag.
        """
        tag = full_tag(ref)
        with _writable(self._root), self._locked():
            tags = self._tags()
            if tag not in tags:
                raise UserError(
                    "image-unknown",
                    f"no image {ref} in this platform's store",
                    hint="tanebi image ls",
                )
            self._write_index({name: digest for name, digest in tags.items() if name != tag})
            if used is not None:
                self._drop_untagged(used)

    def prune(self, used: Collection[str]) -> int:
        """Drop every snapshot that no tag and none of the `used` digests need. Returns how many."""
        if not self._root.exists():
            return 0
        with _writable(self._root), self._locked():
            return self._drop_untagged(used)

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes whenever a tag does. None while nothing was ever built."""
        try:
            found = os.stat(self._root / "index.json")
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _tags(self) -> dict[str, str]:
        stamp = self.stamp()
        if stamp != self._index_stamp:
            self._index = _read_json(self._root / "index.json")["tags"] if stamp else {}
            self._index_stamp = stamp
        return self._index

    def _load(self, digest: str, tag: str) -> Image | None:
        folder = self._folder(digest)
        about = self._snapshots.get(digest)
        if about is None or not (folder / "image.json").exists():
            try:
                about = self._snapshots[digest] = _read_json(folder / "image.json")
            except FileNotFoundError:
                self._snapshots.pop(digest, None)
                return None
        return Image(
            tag=tag if "@" not in tag else repository(tag),
            digest=digest,
            command=tuple(about["command"]),
            root=folder / "root",
            venv=folder / "venv" if about["venv"] else None,
            size_bytes=about["sizeBytes"],
            created=about["created"],
        )

    def _folder(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._root / "snapshots" / (name if name.isalnum() else "invalid")

    def _place(self, staged: imagebuild.Staged) -> None:
        folder = self._folder(staged.digest)
        if (folder / "image.json").exists():
            return
        about = {
            "command": list(staged.command),
            "venv": staged.has_venv,
            "sizeBytes": staged.size_bytes,
            "created": rfc3339(self._clock.wall()),
        }
        imagebuild.seal(staged, final=folder)
        _write_durably(staged.folder / "image.json", about)
        folder.parent.mkdir(exist_ok=True)
        imagebuild.remove_tree(folder)  # what a crash left half-made has no image.json
        os.rename(staged.folder, folder)
        sync(folder.parent)

    def _write_index(self, tags: dict[str, str]) -> None:
        _write_durably(self._root / "index.json", {"tags": tags})
        self._index_stamp = None

    def _drop_untagged(self, used: Collection[str]) -> int:
        kept = {d.removeprefix("sha256:") for d in (*self._tags().values(), *used)}
        folders = list((self._root / "snapshots").glob("*"))
        doomed = [folder for folder in folders if folder.name not in kept]
        for folder in doomed:
            imagebuild.remove_tree(folder)
        return len(doomed)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self._root / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class ImageWatch:
    """Tells when a tag changed, also when another process changed it: one stat every WATCH_INTERVAL_S."""

    def __init__(self, store: ImageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._callbacks: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> None:
        """`callback` runs on the loop after each change and must not block."""
        self._callbacks.append(callback)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        last = self._store.stamp()
        task_status.started()
        while True:
            await self._clock.sleep(WATCH_INTERVAL_S)
            stamp = self._store.stamp()
            if stamp != last:
                last = stamp
                for callback in self._callbacks:
                    callback()


def check_tag(tag: str) -> None:
    """Raises UserError unless `tag` is a plain image name: lower case, with an optional `:tag`, no digest."""
    if not imagebuild.TAG.fullmatch(tag):
        raise UserError(
            "image-tag-invalid",
            f"invalid image tag {tag!r}",
            hint="use lower-case letters, digits and ._-/ as in dev.local/hello or dev.local/hello:v1",
        )


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Map what the disk says to what a person can act upon."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(
            "image-store-unwritable",
            f"cannot write to the image store {root}: {error.strerror}",
            hint="make the folder writable, free disk space, or choose another with --data-dir",
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write_durably(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(content, indent=1, sort_keys=True).encode(), mode=0o644)
