"""Where container output is kept, and how it is read again: by pod, also when the pod is gone.

Layout under the data directory's `logs/`: `<namespace>/<pod>/meta.json` (uid, labels, containers, when it began and ended) and
`<namespace>/<pod>/<container>/<attempt>.log` in the format of tanebi.kubelet.logfile. Output of pods that are gone is kept for
KEEP_S and until all of it exceeds KEEP_BYTES or KEEP_PODS, oldest first; of each container the last ATTEMPTS_KEPT runs.

Implements tanebi.api.logs.LogSource. Callers: tanebi.apiserver through that protocol, tanebi.kubelet.worker.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskStatus

from tanebi.api.core.pod import Pod
from tanebi.api.logs import LoggedPod, LogOptions, NoLogs
from tanebi.api.meta import parse_time, rfc3339
from tanebi.api.podstreams import must_choose
from tanebi.api.selectors import Selector
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.logfile import ROTATED_SUFFIX, Line, decode
from tanebi.kubelet.shown import shown_names

KEEP_S: Final = 7 * 24 * 3600
KEEP_BYTES: Final = 512 * 1024 * 1024
KEEP_PODS: Final = 2000
ATTEMPTS_KEPT: Final = 5
PRUNE_INTERVAL_S: Final = 600.0
FOLLOW_INTERVAL_S: Final = 0.05  # how late a follower sees a line; one stat each time
READ_BYTES: Final = 256 * 1024
TAIL_MESSAGE_LINES: Final = 80
TAIL_MESSAGE_BYTES: Final = 2048
TAIL_LINES_MAX: Final = 100_000

_log = get_logger("logs")


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt's files, oldest first."""

    container: str
    attempt: int
    path: Path

    def files(self) -> list[Path]:
        rotated = Path(f"{self.path}{ROTATED_SUFFIX}")
        return [p for p in (rotated, self.path) if p.exists()]


class LogStore:
    """`root` is the data directory's `logs`. Reading blocks for the page cache at most, in pieces of READ_BYTES."""

    def __init__(self, root: Path, *, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._live: set[tuple[str, str, str, int]] = set()

    # --- kept by the kubelet -------------------------------------------------------------------

    def opened(self, pod: Pod) -> None:
        """The pod begins to run here. What is kept of an earlier pod of this name goes."""
        folder = self._folder(pod.metadata.namespace, pod.metadata.name)
        if folder.exists() and (known := _meta(folder)) and known.uid != pod.metadata.uid:
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Those that nobody means who names none: they run before, or were added to look at the others.
        inits = [c.name for c in (*pod.spec.init_containers, *pod.spec.ephemeral_containers)]
        about: dict[str, Any] = {
            "uid": pod.metadata.uid,
            "labels": pod.metadata.labels,
            "containers": [*inits, *(c.name for c in pod.spec.containers)],
            "inits": inits,
            "shown": shown_names(pod),
            "created": pod.metadata.creation_timestamp or rfc3339(self._clock.wall()),
        }
        (folder / "meta.json").write_text(json.dumps(about))
        self._live.update((folder.parent.name, folder.name, name, 0) for name in shown_names(pod))

    def closed(self, namespace: str, pod: str) -> None:
        """The pod is gone; its output stays."""
        path = self._folder(namespace, pod) / "meta.json"
        if path.exists():
            about = json.loads(path.read_text())
            self._live -= {(namespace, pod, name, 0) for name in about.get("shown", ())}
            path.write_text(json.dumps(about | {"gone": rfc3339(self._clock.wall())}))

    def path(self, namespace: str, pod: str, container: str, attempt: int) -> Path:
        """Where the output of one run goes."""
        return self._folder(namespace, pod) / container / f"{attempt}.log"

    def shown_path(self, namespace: str, pod: str, container: str) -> Path:
        """Where the output of a container goes that is only shown; of pods that are not here, all of it to one file."""
        if namespace and pod:
            meta = _meta(self._folder(namespace, pod))
            if meta is not None and container in meta.shown:
                return self.path(namespace, pod, container, 0)
        return self._root / "requests.log"

    def run_began(self, namespace: str, pod: str, container: str, attempt: int) -> None:
        self._live.add((namespace, pod, container, attempt))

    def run_ended(self, namespace: str, pod: str, container: str, attempt: int) -> None:
        self._live.discard((namespace, pod, container, attempt))
        old = self.path(namespace, pod, container, attempt - ATTEMPTS_KEPT)
        for path in (old, Path(f"{old}{ROTATED_SUFFIX}")):
            path.unlink(missing_ok=True)

    def last_words(self, namespace: str, pod: str, container: str, attempt: int) -> str:
        """The end of a run's output, as Kubernetes puts it into a termination message (FallbackToLogsOnError)."""
        run = _Run(container, attempt, self.path(namespace, pod, container, attempt))
        lines = deque(_lines(run), maxlen=TAIL_MESSAGE_LINES)
        text = b"\n".join(line.text for line in lines)
        return text[-TAIL_MESSAGE_BYTES:].decode("utf-8", "replace").strip()

    # --- read by everybody (tanebi.api.logs.LogSource) -----------------------------------------

    async def open(self, namespace: str, pod: str, options: LogOptions) -> AsyncIterator[bytes]:
        run = self._find(namespace, pod, options)
        return self._stream(namespace, pod, run, options)

    def sizes(self, pod: Pod) -> dict[str, int]:
        """Bytes of all that is kept of each container's output."""
        home, found = self._folder(pod.metadata.namespace, pod.metadata.name), {}
        for container in pod.spec.original_containers:
            files = (home / container.name).glob("*.log*")
            found[container.name] = sum(file.stat().st_size for file in files)
        return found

    def pods(self, namespace: str | None, selector: Selector) -> Sequence[LoggedPod]:
        found = [
            meta
            for path in self._root.glob(f"{namespace or '*'}/*/meta.json")
            if (meta := _meta(path.parent)) is not None and selector.matches(meta.labels)
        ]
        return sorted(found, key=lambda pod: (pod.created, pod.name))

    # --- forgetting ----------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Drop old output from time to time."""
        task_status.started()
        while True:
            await to_thread.run_sync(self.prune)
            await self._clock.sleep(PRUNE_INTERVAL_S)

    def prune(self) -> int:
        """Drop what is too old or too much. Returns how many pods' output that was."""
        oldest = self._clock.wall() - timedelta(seconds=KEEP_S)
        gone = sorted(
            (ended, folder)
            for folder in self._root.glob("*/*")
            if (ended := _ended(folder)) is not None
        )
        total = sum(_size(folder) for folder in self._root.glob("*/*"))
        dropped = 0
        for ended, folder in gone:
            if ended >= oldest and total <= KEEP_BYTES and len(gone) - dropped <= KEEP_PODS:
                break
            total -= _size(folder)
            shutil.rmtree(folder, ignore_errors=True)
            dropped += 1
        return dropped

    # --- inside --------------------------------------------------------------------------------

    def _folder(self, namespace: str, pod: str) -> Path:
        assert not {"", ".", ".."} & {namespace, pod}, "names are validated by the API server"
        return self._root / namespace / pod

    def _find(self, namespace: str, pod: str, options: LogOptions) -> _Run:
        folder = self._folder(namespace, pod)
        meta = _meta(folder)
        if meta is None:
            raise NoLogs(f'pods "{pod}" not found', pod_unknown=True)
        mains = [name for name in meta.containers if name not in meta.inits]
        if not options.container and len(mains) != 1:
            raise NoLogs(must_choose(pod, mains, meta.inits))
        container = options.container or mains[0]
        if container in meta.shown and not options.previous:
            return _Run(container, 0, self.path(namespace, pod, container, 0))
        if container not in (*meta.containers, *meta.shown):
            raise NoLogs(f"container {container} is not valid for pod {pod}")
        attempts = sorted(
            int(path.stem) for path in (folder / container).glob("*.log") if path.stem.isdigit()
        )
        if options.previous:
            attempts = attempts[:-1]
        if attempts:
            return _Run(container, attempts[-1], folder / container / f"{attempts[-1]}.log")
        if options.previous:
            raise NoLogs(f'previous terminated container "{container}" in pod "{pod}" not found')
        raise NoLogs(
            f'container "{container}" in pod "{pod}" is waiting to start: ContainerCreating'
        )

    async def _stream(
        self, namespace: str, pod: str, run: _Run, options: LogOptions
    ) -> AsyncIterator[bytes]:
        def live() -> bool:
            return (namespace, pod, run.container, run.attempt) in self._live

        tail = _Tail(run)
        budget = options.limit_bytes
        first = True
        while True:
            ends = not (options.follow and live())  # asked before reading: nothing is missed
            lines = tail.read()
            if first:
                lines = _chosen(lines, options)
            first = False
            for chunk in _render(lines, timestamps=options.timestamps):
                piece = chunk if budget is None else chunk[:budget]
                if piece:
                    yield piece
                if budget is not None and (budget := budget - len(piece)) <= 0:
                    return
            if ends and not tail.more:
                return
            if not tail.more:
                await self._clock.sleep(FOLLOW_INTERVAL_S)


class _Tail:
    """Reads a run's files onwards, through rotations."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._at = 0
        self._inode: int | None = None
        self.more = False

    def read(self) -> Iterator[Line]:
        """Whole lines that came since the last read; everything at first."""
        first = self._inode is None
        files = self._run.files()
        if not files:
            return
        current = files[-1]
        with open(current, "rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            if first:
                for older in files[:-1]:
                    yield from _file_lines(older)
            elif inode != self._inode:  # rotated since: finish the old file, then the new one
                yield from self._rest_of(files)
                self._at = 0
            self._inode = inode
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                yield decode(line[:-1])

    def _rest_of(self, files: Sequence[Path]) -> Iterator[Line]:
        for path in files[:-1]:
            if path.stat().st_ino == self._inode:
                with open(path, "rb") as file:
                    file.seek(self._at)
                    yield from (decode(line.rstrip(b"\n")) for line in file)


def _file_lines(path: Path) -> Iterator[Line]:
    with open(path, "rb") as file:
        yield from (decode(line.rstrip(b"\n")) for line in file)


def _lines(run: _Run) -> Iterator[Line]:
    for path in run.files():
        yield from _file_lines(path)


def _chosen(lines: Iterator[Line], options: LogOptions) -> Iterator[Line]:
    """What `since` and `tail` leave."""
    if options.since is not None:
        bound = options.since.astimezone(UTC)
        lines = (line for line in lines if not line.stamp or parse_time(line.stamp) >= bound)
    if options.tail_lines is None:
        return lines
    return iter(_last(lines, min(options.tail_lines, TAIL_LINES_MAX)))


def _last(lines: Iterator[Line], count: int) -> Sequence[Line]:
    """The last `count` whole lines; the pieces of a long line count as one."""
    kept: deque[list[Line]] = deque(maxlen=count)
    piece: list[Line] = []
    for line in lines:
        piece.append(line)
        if not line.partial:
            kept.append(piece)
            piece = []
    if piece:
        kept.append(piece)
    return [line for group in kept for line in group]


def _render(lines: Iterator[Line], *, timestamps: bool) -> Iterator[bytes]:
    """Chunks of about READ_BYTES of what the container wrote."""
    chunk: list[bytes] = []
    size = 0
    inside = False  # of a long line whose pieces are joined again
    for line in lines:
        stamp = f"{line.stamp} ".encode() if timestamps and not inside else b""
        inside = line.partial
        text = stamp + line.text + (b"" if line.partial else b"\n")
        chunk.append(text)
        size += len(text)
        if size >= READ_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)


def _about(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    except (
        OSError,
        ValueError,
    ):  # being written, or cut off by a crash: the next start writes it anew
        return None
    return found


def _meta(folder: Path) -> LoggedPod | None:
    about = _about(folder)
    if about is None:
        return None
    return LoggedPod(
        namespace=folder.parent.name,
        name=folder.name,
        uid=about["uid"],
        labels=about["labels"],
        containers=tuple(about["containers"]),
        inits=tuple(about.get("inits", ())),
        created=about["created"],
        gone="gone" in about,
        shown=tuple(about.get("shown", ())),
    )


def _ended(folder: Path) -> datetime | None:
    about = _about(folder)
    return parse_time(about["gone"]) if about and "gone" in about else None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.log*"))
