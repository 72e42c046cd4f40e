"""Container engines for tests: which there are, Docker's daemon started where it is installed, and an image that needs no registry.

Tests that hold for every engine take their names from `engines` and the environment in which `tanebi.kubelet.engine.connect` finds
one from the fixture `engine_environment` (tests/conftest.py). CI promises both, and a missing one fails there.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tanebi.base.settings import environment
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.places import NETWORK

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

IMAGE: Final = "dev.local/busybox:test2"
CI_VARIABLE: Final = "TANEBI_CI"
PODMAN: Final = "podman"
DOCKER: Final = "docker"
DAEMON: Final = "dockerd"
DAEMON_START_S: Final = 60.0
DAEMON_STOP_S: Final = 30.0
_CONTAINERFILE: Final = b"""FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY busybox /bin/sleep
COPY busybox /bin/cat
COPY busybox /bin/hostname
COPY busybox /bin/id
COPY busybox /bin/wget
ENV PATH=/bin
CMD ["/bin/sh"]
"""


def engine_missing() -> pytest.MarkDecorator:
    """Skips without an engine and a static busybox, but not in CI, which promises both."""
    missing = connect.find(environment()) is None or shutil.which("busybox") is None
    return pytest.mark.skipif(
        missing and CI_VARIABLE not in environment(),
        reason="needs podman or Docker, and the package busybox-static",
    )


def docker_missing() -> pytest.MarkDecorator:
    """Skips for who cannot start Docker's daemon, but not in CI."""
    missing = shutil.which(DAEMON) is None or os.geteuid() != 0 or shutil.which("busybox") is None
    return pytest.mark.skipif(
        missing and CI_VARIABLE not in environment(),
        reason="needs root, the package docker.io and busybox-static",
    )


def engines() -> list[object]:
    """Parameters for tests that hold for every engine."""
    return [
        pytest.param(PODMAN, marks=engine_missing()),
        pytest.param(DOCKER, marks=docker_missing()),
    ]


def without_docker(env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Podman is found."""
    return {name: value for name, value in env.items() if name != "DOCKER_HOST"}


class Dockerd:
    """A daemon of Docker's with everything of its own in `folder`. It leaves the machine's packet filter alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "docker.sock"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """This process's, with the way to the daemon."""
        return {**environment(), "DOCKER_HOST": f"unix://{self.socket}"}

    def start(self) -> None:
        """Return once it answers. Raises AssertionError with the end of its log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        argv = [
            DAEMON,
            "--data-root",
            str(self._folder / "data"),
            "--exec-root",
            str(self._folder / "exec"),
            "--pidfile",
            str(self._folder / "pid"),
            "--host",
            f"unix://{self.socket}",
            "--bridge=none",
            "--iptables=false",
        ]
        with open(self._folder / "log", "ab") as log:
            self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + DAEMON_START_S
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no Docker:\n{(self._folder / 'log').read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends its containers too."""
        assert self._child is not None, "not running"
        self._child.terminate()
        try:
            self._child.wait(DAEMON_STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def close(self) -> None:
        """For good: the bridge goes too, which a daemon that ends leaves in the machine."""
        self._ask("DELETE", f"/networks/{NETWORK}")
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def containers(self, *labels: str) -> list[str]:
        """The ids of those with all the labels, running or not."""
        wanted = json.dumps({"label": list(labels)}).replace(" ", "").replace('"', "%22")
        _, found = self._ask("GET", f"/containers/json?all=true&filters={wanted}")
        return [str(one["Id"]) for one in json.loads(found)]

    def _answers(self) -> bool:
        try:
            return self._ask("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def _ask(self, verb: str, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("engine", timeout=DAEMON_STOP_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.socket))
            connection.request(verb, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def dockerd(folder: Path) -> Iterator[Dockerd]:
    """`folder` must be short: a socket is in it."""
    daemon = Dockerd(folder)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.close()


def containers_of(env: Mapping[str, str], *labels: str) -> list[str]:
    """What the engine of this environment holds with these labels."""
    host = env.get("DOCKER_HOST", "").removeprefix("unix://")
    if host:
        return Dockerd(Path(host).parent).containers(*labels)
    said = subprocess.run(
        ["podman", "ps", "-a", "-q", *(f"--filter=label={label}" for label in labels)],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split()


async def busybox_image(client: EngineClient) -> str:
    """Build IMAGE if the engine has none. Returns its name."""
    if await client.image(IMAGE) is None:
        context = _context()

        async def chunks() -> AsyncIterator[bytes]:
            yield context

        async with client.build(chunks(), IMAGE, "Containerfile") as lines:
            said = [line async for line in lines]
        assert not any("error" in line for line in said), said[-1]
    return IMAGE


def _context() -> bytes:
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content, mode in (
            ("busybox", busybox, 0o755),
            ("Containerfile", _CONTAINERFILE, 0o644),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
