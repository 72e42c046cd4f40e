"""Docker's daemon for tests: with everything of its own in one folder, and nothing left behind.

Blocking on purpose, as tanebi.testing.platform is.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from tanebi.base.settings import environment
from tanebi.kubelet.engine.places import NETWORK

DAEMON: Final = "dockerd"
DAEMON_START_S: Final = 60.0
DAEMON_STOP_S: Final = 30.0


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
