"""A registry on this machine, as long as a suite wants one: some tests ask for digests, which images of ko.local have none of."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from building import Built, go

REGISTRY = "github.com/google/go-containerregistry/cmd/registry"
READY_S = 20.0


@contextmanager
def serving(built: Built, tags: Iterable[str]) -> Iterator[str]:
    """The repository in which the images of `tags` are found by their last names."""
    program = built.folder / "registry"
    if not program.exists():
        go(built, "build", "-mod=mod", "-o", str(program), REGISTRY)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    repo = f"127.0.0.1:{port}/suites"
    pushed: list[str] = []
    with subprocess.Popen([str(program), "-port", str(port)], stderr=subprocess.DEVNULL) as child:
        try:
            _wait(port)
            for tag in tags:
                pushed.append(f"{repo}/{tag.rsplit('/', 1)[-1]}")
                _push(tag, pushed[-1])
            yield repo
        finally:
            child.terminate()
            if pushed:
                _engine("rmi", "-f", *pushed, check=False)


def _wait(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _push(tag: str, target: str) -> None:
    plain = ["--tls-verify=false"] if shutil.which("podman") else []
    _engine("tag", tag, target)
    _engine("push", "-q", *plain, target)


def _engine(*arguments: str, check: bool = True) -> None:
    engine = "podman" if shutil.which("podman") else "docker"
    done = subprocess.run([engine, *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise SystemExit(f"{engine} {' '.join(arguments)} failed:\n{done.stderr}")
