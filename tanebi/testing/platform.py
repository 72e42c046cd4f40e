"""A whole platform as a user runs it: `tanebi up` in a process of its own.

Blocking on purpose: tests and benchmarks drive it from outside, as a shell would.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

READY_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
COMMAND_TIMEOUT_S: Final = 120.0
LOG_TAIL_LINES: Final = 40


class Platform:
    """`with Platform(data_dir) as p: ...` starts it and stops it; `kill()` and `start()` play a crash."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        runtime: str = "process",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`runtime` is that of `tanebi up`: by default the one that is the same on every machine. `environ`: None is ours."""
        self._environ = environ
        self.data_dir = data_dir
        self.log_path = data_dir.parent / f"{data_dir.name}.log"
        self._arguments = (*arguments, "--runtime", runtime)
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Platform:
        """Return once the platform says it is ready. Raises AssertionError with its log otherwise."""
        assert self._child is None, "already running"
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                [*self.command, "up", "--gateway-port", "0", "--api-port", "0", *self._arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                code, self._child = self._child.returncode, None
                raise AssertionError(f"tanebi up ended with {code}:\n{self.log_tail()}")
            if self._announced() == self._child.pid:
                return self
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"not ready within {READY_TIMEOUT_S} s:\n{self.log_tail()}")

    def _announced(self) -> int | None:
        try:
            pid: int = json.loads((self.data_dir / "endpoints.json").read_text())["pid"]
        except (OSError, ValueError, KeyError):
            return None
        return pid

    def interrupt(self) -> None:
        """Ctrl-C."""
        assert self._child is not None, "not running"
        self._child.send_signal(signal.SIGINT)

    def stop(self) -> int:
        """Ctrl-C, and wait for the end. Returns the exit code."""
        self.interrupt()
        assert self._child is not None
        try:
            code = self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop:\n{self.log_tail()}") from None
        self._child = None
        return code

    def kill(self) -> None:
        """kill -9, as a crash."""
        assert self._child is not None, "not running"
        self._child.kill()
        self._child.wait()
        self._child = None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        assert self._child is not None, "not running"
        return self._child.pid

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "tanebi"]

    @property
    def environment(self) -> dict[str, str]:
        # With bytecode, as an installed package has it: without, each start of a checkout compiles all of it.
        bytecode = {"PYTHONDONTWRITEBYTECODE": ""}
        environ = os.environ if self._environ is None else self._environ
        return {**environ, **bytecode, "TANEBI_DATA_DIR": str(self.data_dir), "NO_COLOR": "1"}

    @property
    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "endpoints.json").read_text())
        return found

    @property
    def gateway(self) -> str:
        """`http://127.0.0.1:port`."""
        return str(self.endpoints["gateway"])

    @property
    def gateway_port(self) -> int:
        return int(self.gateway.rsplit(":", 1)[1])

    def cli(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a `tanebi` command against this platform. Raises AssertionError with its output when it fails."""
        return self._run([*self.command, *arguments], stdin=stdin, check=check)

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the machine's kubectl with the kubeconfig that the platform wrote."""
        config = str(self.data_dir / "kubeconfig")
        return self._run(["kubectl", "--kubeconfig", config, *arguments], stdin=stdin, check=check)

    def _run(
        self, command: list[str], *, stdin: str | None, check: bool
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if check and done.returncode != 0:
            shown = " ".join(command[:6])
            raise AssertionError(
                f"{shown} … ended with {done.returncode}\n{done.stdout}{done.stderr}\n{self.log_tail()}"
            )
        return done

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    def __enter__(self) -> Platform:
        return self if self.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.stop()
