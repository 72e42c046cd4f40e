"""`tanebi logs`: what the pods of a service wrote, pods that are gone included.

What is kept is read from the data directory itself, in the order of time, so it works while the platform is down too. With `-f`
each running pod is followed through the API server, and pods that appear later join in.
"""

from __future__ import annotations

import asyncio
import heapq
import queue
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import click

from tanebi.api.logs import LoggedPod, LogOptions, NoLogs
from tanebi.api.selectors import EVERYTHING
from tanebi.base.clock import SystemClock
from tanebi.base.errors import TanebiError, UserError
from tanebi.cli import timing
from tanebi.cli.client import Api, ApiFailure, connect
from tanebi.cli.options import Duration, data_dir_option, namespace_option
from tanebi.cli.platform import data_dir
from tanebi.kubelet.logs import LogStore

# What NAME may mean, in the order in which it is tried. `name`: the pod's own.
LABELS: Final[Mapping[str, str]] = {
    "service": "serving.knative.dev/service",
    "revision": "serving.knative.dev/revision",
    "configuration": "serving.knative.dev/configuration",
    "deployment": "app",
}
KINDS: Final[Mapping[str, str]] = {
    "service": "service", "services": "service", "ksvc": "service", "kservice": "service",
    "revision": "revision", "revisions": "revision", "rev": "revision",
    "configuration": "configuration", "configurations": "configuration",
    "config": "configuration", "cfg": "configuration",
    "pod": "pod", "pods": "pod", "po": "pod",
}  # fmt: skip
LOOK_INTERVAL_S: Final = 0.2
LINES_WAITING_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Stream:
    """One container of one pod."""

    pod: LoggedPod
    container: str

    def prefix(self) -> str:
        several = len(self.pod.containers) > 1
        return f"{self.pod.name}/{self.container} | " if several else f"{self.pod.name} | "


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="[KIND/]NAME...")
@click.option("-f", "--follow", is_flag=True, help="Keep printing; pods that start later join in.")
@click.option(
    "-c", "--container", default="", help="Only this container. `queue-proxy`: the request log."
)
@click.option(
    "-p", "--previous", is_flag=True, help="The run before the last one of a restarted container."
)
@click.option("--tail", type=click.IntRange(0), help="The last N lines of each pod.")
@click.option("--since", type=Duration(), help="Not older than this, as in 5m.")
@click.option("--timestamps", is_flag=True, help="Each line with its time.")
@click.option(
    "--prefix/--no-prefix",
    default=None,
    help="Each line with its pod (default: unless a pod is named).",
)
@namespace_option
@data_dir_option
def logs(
    names: tuple[str, ...],
    follow: bool,
    container: str,
    previous: bool,
    tail: int | None,
    since: float | None,
    timestamps: bool,
    prefix: bool | None,
    namespace: str,
    folder: str | None,
) -> int:
    """Show what the pods of a service wrote: `logs hello`, `logs -f ksvc/hello`, `logs POD`.

    NAME is a service, a revision or a pod. The output of pods that are gone is kept for a week.
    """
    home = data_dir(folder)
    store = LogStore(home.logs, clock=SystemClock())
    pick = Pick(names, namespace, container)
    options = LogOptions(
        follow=follow,
        previous=previous,
        timestamps=timestamps,
        since=timing.wall() - timedelta(seconds=since) if since is not None else None,
        tail_lines=tail,
    )
    if follow:
        Follower(connect(home), store, pick, options, prefix=prefix).run()
        return 0
    streams = pick.streams(store)
    if not streams:
        raise pick.nothing()
    named = pick.names_pods(streams)
    for stream, line in merged(store, streams, options, restarts=not named):
        head = stream.prefix() if prefix or (prefix is None and not named) else ""
        click.echo(f"{head}{line}")
    return 0


class Pick:
    """Which pods are meant."""

    def __init__(self, names: Iterable[str], namespace: str, container: str) -> None:
        self._wanted = [self._parse(name) for name in names]
        self._namespace = namespace
        self._container = container

    @staticmethod
    def _parse(name: str) -> tuple[str, str]:
        kind, slash, rest = name.rpartition("/")
        if slash and kind.lower() not in KINDS:
            raise UserError(
                "usage", f"logs of a {kind} are not kept", hint="name a service, revision or pod"
            )
        return (KINDS[kind.lower()] if slash else ""), rest

    def streams(self, store: LogStore) -> list[Stream]:
        """Every container that is meant, oldest pod first."""
        pods = store.pods(self._namespace, EVERYTHING)
        chosen = {
            pod.uid: pod for kind, name in self._wanted for pod in _matching(pods, kind, name)
        }
        return [
            Stream(pod, container)
            for pod in chosen.values()
            for container in (*pod.containers, *pod.shown)
            if self._container == container or (not self._container and container in pod.containers)
        ]

    def names_pods(self, streams: Iterable[Stream]) -> bool:
        """Every stream's pod was called by its own name."""
        names = {name for _, name in self._wanted}
        return all(stream.pod.name in names for stream in streams)

    def nothing(self) -> UserError:
        names = ", ".join(name for _, name in self._wanted)
        return UserError(
            "no-logs",
            f"no output of {names} is kept in namespace {self._namespace}",
            hint="it has never run, or has another name: tanebi get ksvc,revisions,pods -A",
        )


def _matching(pods: Iterable[LoggedPod], kind: str, name: str) -> list[LoggedPod]:
    """The pods of the first meaning of `name` that has any."""
    meanings: list[Callable[[LoggedPod], bool]] = []
    for meaning, label in LABELS.items():
        if kind in ("", meaning):
            meanings.append(lambda pod, label=label: pod.labels.get(label) == name)  # type: ignore[misc]
    if kind in ("", "pod"):
        meanings.append(lambda pod: pod.name == name)
    for means in meanings:
        if found := [pod for pod in pods if means(pod)]:
            return found
    return []


def merged(
    store: LogStore, streams: Iterable[Stream], options: LogOptions, *, restarts: bool
) -> Iterator[tuple[Stream, str]]:
    """Kept lines of all streams in the order of time. `restarts`: of a restarted container the run before, too."""
    wanted = [options]
    if restarts and not options.previous:
        wanted.insert(0, replace(options, previous=True))
    with asyncio.Runner() as runner:
        sources = [_kept(runner, store, stream, one) for stream in streams for one in wanted]
        for stamp, line, stream in heapq.merge(*sources, key=lambda item: item[0]):
            yield stream, f"{stamp} {line}" if options.timestamps else line


def _kept(
    runner: asyncio.Runner, store: LogStore, stream: Stream, options: LogOptions
) -> Iterator[tuple[str, str, Stream]]:
    wanted = replace(options, container=stream.container, timestamps=True)
    try:
        chunks = runner.run(store.open(stream.pod.namespace, stream.pod.name, wanted))
    except NoLogs:  # the container has written nothing yet
        return
    rest = b""
    while (chunk := runner.run(_next(chunks))) is not None:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            stamp, _, text = line.decode("utf-8", "replace").partition(" ")
            yield stamp, text, stream


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


class Follower:
    """Follows every pod that is meant, each in a thread, until interrupted or the platform ends."""

    def __init__(
        self,
        api: Api,
        store: LogStore,
        pick: Pick,
        options: LogOptions,
        *,
        prefix: bool | None,
    ) -> None:
        self._api = api
        self._store = store
        self._pick = pick
        self._options = options
        self._prefix = prefix
        self._lines: queue.Queue[str | TanebiError] = queue.Queue(LINES_WAITING_MAX)
        self._followed: set[tuple[str, str]] = set()

    def run(self) -> None:
        streams = self._pick.streams(self._store)
        gone = [stream for stream in streams if stream.pod.gone]
        for stream, line in merged(self._store, gone, self._options, restarts=True):
            click.echo(f"{self._head(stream)}{line}")
        self._followed.update((stream.pod.uid, stream.container) for stream in gone)
        while True:
            self._join_in()
            self._print_for(LOOK_INTERVAL_S)
            self._api.get("/version")  # raises when the platform is gone

    def _print_for(self, seconds: float) -> None:
        """Print what comes in the next `seconds`. Raises what a follower met."""
        until = timing.monotonic() + seconds
        while (left := until - timing.monotonic()) > 0:
            try:
                said = self._lines.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(said, TanebiError):
                raise said
            click.echo(said)

    def _head(self, stream: Stream) -> str:
        named = self._pick.names_pods([stream])
        return stream.prefix() if self._prefix or (self._prefix is None and not named) else ""

    def _join_in(self) -> None:
        for stream in self._pick.streams(self._store):
            key = (stream.pod.uid, stream.container)
            if key not in self._followed:
                self._followed.add(key)
                threading.Thread(target=self._follow, args=(stream,), daemon=True).start()

    def _follow(self, stream: Stream) -> None:
        path = f"/api/v1/namespaces/{stream.pod.namespace}/pods/{stream.pod.name}/log"
        query = {"container": stream.container, "follow": "true"}
        if self._options.timestamps:
            query["timestamps"] = "true"
        if self._options.tail_lines is not None:
            query["tailLines"] = str(self._options.tail_lines)
        if self._options.since is not None:
            query["sinceTime"] = self._options.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        head = self._head(stream)
        try:
            with closing(self._open(path, query)) as lines:
                for line in lines:
                    self._lines.put(head + line.decode("utf-8", "replace").rstrip("\n"))
        except TanebiError as error:
            self._lines.put(error)

    def _open(self, path: str, query: Mapping[str, str]) -> Generator[bytes]:
        """Lines once the container has started. A pod that never starts ends with the platform or the pod."""
        while True:
            try:
                yield from self._api.stream(path, query)
                return
            except ApiFailure as error:
                if error.status == 404:
                    return
                if "waiting to start" not in error.text:
                    raise
            timing.pause(LOOK_INTERVAL_S)
