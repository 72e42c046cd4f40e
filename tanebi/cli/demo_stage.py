"""What the demo plays on: a platform in a child process, its command line in others, and plain HTTP.

Nothing here reaches into the platform: whatever the demo does, a person can do with the same commands.
"""

from __future__ import annotations

import http.client
import importlib.resources
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tanebi
from tanebi.base.errors import TanebiError
from tanebi.base.settings import DATA_DIR_VARIABLE, DataDir, environment
from tanebi.cli import timing

READY_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 20.0
COMMAND_TIMEOUT_S: Final = 60.0
REQUEST_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.01
LOG_TAIL_LINES: Final = 15


class StepFailed(TanebiError):
    """What was promised did not happen."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__("demo-failed", message, hint=hint)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    took_s: float


def samples() -> Path:
    """The sample programs: wheel data when installed, config/samples in a checkout."""
    installed = Path(str(importlib.resources.files("tanebi"))) / "_config" / "samples"
    if installed.is_dir():
        return installed
    return Path(tanebi.__file__).resolve().parent.parent / "config" / "samples"


class Stage:
    """One platform in `folder`. Always call `close`."""

    def __init__(self, folder: Path) -> None:
        self.home = DataDir(folder / "data")
        self.book = folder / "audit.jsonl"
        self._log = folder / "up.log"
        self._child: subprocess.Popen[bytes] | None = None
        self.gateway_port = 0

    # --- the platform ---

    def up(self) -> dict[str, Any]:
        """Start it, as `tanebi up` from a shell. Returns its endpoints once it is ready."""
        assert self._child is None, "already up"
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [*COMMAND, "up", "--gateway-port", str(self.gateway_port), "--api-port", "0"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        found = self.until(self._announced, READY_TIMEOUT_S, "tanebi up was ready")
        self.gateway_port = int(found["gateway"].rstrip("/").rpartition(":")[2])
        return dict(found)

    def kill(self) -> None:
        """kill -9: the crash."""
        assert self._child is not None, "not up"
        self._child.kill()
        self._child.wait()
        self._child = None

    def close(self) -> None:
        """Ctrl-C; kill -9 when that does not help."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGINT)
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    @property
    def address(self) -> str:
        return f"http://localhost:{self.gateway_port}"

    def log_tail(self) -> str:
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def _announced(self) -> dict[str, Any] | None:
        assert self._child is not None, "not up"
        if self._child.poll() is not None:
            code, self._child = self._child.returncode, None
            raise StepFailed(f"tanebi up ended with {code}")
        try:
            found: dict[str, Any] = json.loads(self.home.endpoints.read_text())
        except (OSError, ValueError):
            return None
        return found if found.get("pid") == self._child.pid else None

    # --- what a person does ---

    def command(self, *words: str, stdin: str | None = None) -> str:
        """Run `tanebi WORDS`. Returns what it printed. Raises StepFailed with its error."""
        try:
            done = subprocess.run(
                [*COMMAND, *words],
                env=self._environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StepFailed(f"tanebi {' '.join(words)} took too long") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise StepFailed(f"tanebi {' '.join(words)} ended with {done.returncode}", hint=said)
        return done.stdout

    def objects(self, *words: str) -> list[dict[str, Any]]:
        """`tanebi get WORDS -o json`."""
        found: list[dict[str, Any]] = json.loads(self.command("get", *words, "-o", "json"))["items"]
        return found

    def request(self, service: str, path: str = "/") -> Answer:
        """One GET on a connection of its own, through the gateway."""
        return self._exchange("GET", path, {"Host": f"{service}.default.localhost"}, b"")

    def post_event(self, id_: str, type_: str, data: bytes) -> int:
        """What `curl` would do with a CloudEvent: returns the broker's status."""
        headers = {
            "Host": "localhost",
            "ce-specversion": "1.0",
            "ce-id": id_,
            "ce-type": type_,
            "ce-source": "/demo",
            "Content-Type": "application/json",
        }
        return self._exchange("POST", "/default/default", headers, data).status

    def warm_requests(self, service: str, count: int) -> list[float]:
        """Seconds of each of `count` requests on one connection."""
        times: list[float] = []
        with closing(self._connection()) as connection:
            for _ in range(count):
                started = timing.monotonic()
                connection.request("GET", "/", headers={"Host": f"{service}.default.localhost"})
                response = connection.getresponse()
                response.read()
                times.append(timing.monotonic() - started)
                if response.status != 200:
                    raise StepFailed(f"a warm request was answered with {response.status}")
        return times

    def until(self, holds: Callable[[], Any], timeout_s: float, what: str) -> Any:
        """The first truthy value. Raises StepFailed after `timeout_s`."""
        deadline = timing.monotonic() + timeout_s
        while True:
            if found := holds():
                return found
            if timing.monotonic() >= deadline:
                raise StepFailed(f"waited {timeout_s:g} s in vain until {what}")
            timing.pause(POLL_S)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=REQUEST_TIMEOUT_S)

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        started = timing.monotonic()
        try:
            with closing(self._connection()) as connection:
                connection.request(method, path, body or None, headers)
                response = connection.getresponse()
                text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise StepFailed(f"{method} {path} to {headers['Host']} got no answer") from error
        return Answer(response.status, text, timing.monotonic() - started)

    @property
    def _environment(self) -> dict[str, str]:
        """Ours, with the Python that runs this first in the PATH: `python3` may be a slow wrapper there."""
        env = environment()
        path = f"{Path(sys.executable).parent}:{env.get('PATH', '/usr/bin:/bin')}"
        home = str(self.home.root)
        return {**env, "PATH": path, DATA_DIR_VARIABLE: home, "NO_COLOR": "1"}


# -P: a folder of the caller's that is called `tanebi` or `serving` must not shadow ours.
COMMAND: Final = (sys.executable, "-P", "-m", "tanebi")


class Load:
    """`clients` people asking `service` again and again until `stop`."""

    def __init__(self, stage: Stage, service: str, path: str, *, clients: int) -> None:
        self._stage = stage
        self._service = service
        self._path = path
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.answered = 0
        self.failed: list[str] = []
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(REQUEST_TIMEOUT_S)

    def _ask(self) -> None:
        while not self._end.is_set():
            try:
                answer = self._stage.request(self._service, self._path)
                said = "" if answer.status == 200 else f"status {answer.status}"
            except StepFailed as error:
                said = error.message
            with self._lock:
                self.answered += 1
                if said:
                    self.failed.append(said)
