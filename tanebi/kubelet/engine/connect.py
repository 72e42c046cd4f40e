"""Finding a container engine, and starting Podman's service when nobody else has.

Looked for, in this order: DOCKER_HOST, Podman's and Docker's usual sockets (those that answer), and the `podman` program, whose
service is then started as a child on first use and ended with the platform. It carries the platform's mark, so that a killed
platform's service is found by the next one (tanebi.kubelet.processes).

crun refuses hybrid cgroups (v1 with a v2 mount beside it), where runc works: there the service is started with runc.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.engine import podmanconf
from tanebi.kubelet.engine.errors import EngineGone
from tanebi.kubelet.processes import PLATFORM_MARKER

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

SUPERUSER: Final = 0
START_S: Final = 10.0
POLL_S: Final = 0.02
STOP_S: Final = 5.0
ANSWER_S: Final = 5.0
VERSION_MAX: Final = 64 * 1024
SOCKET_PATH_MAX: Final = 100  # bytes; the system allows 107

_log = get_logger("engine")


@dataclass(frozen=True, slots=True)
class Found:
    """An engine's socket, or Podman's program, which makes one."""

    socket: Path | None
    podman: str = ""
    oci_runtime: str = ""

    @property
    def words(self) -> str:
        if self.socket is not None:
            return f"socket {self.socket}"
        return "podman, started on demand" + (
            f" (with {self.oci_runtime})" if self.oci_runtime else ""
        )


def find(environ: Mapping[str, str], *, root: Path = Path("/")) -> Found | None:
    """What this machine offers; None: no engine. Tries to connect to sockets, starts nothing."""
    for candidate in _sockets(environ, root):
        if _answers(candidate):
            return Found(candidate)
    podman = shutil.which("podman", path=environ.get("PATH"))
    if podman is None:
        return None
    runc = shutil.which("runc", path=environ.get("PATH")) or ""
    return Found(None, podman, runc if runc and hybrid_cgroups(root) else "")


def into_namespace(found: Found, environ: Mapping[str, str]) -> Sequence[str]:
    """The words that run a program in the user namespace of this user's own Podman; none: it is another engine, or root's.

    Networks of such an engine are not reached from this machine.
    """
    run = environ.get("XDG_RUNTIME_DIR")
    own = found.socket is None or (run is not None and found.socket.is_relative_to(run))
    podman = found.podman or shutil.which("podman", path=environ.get("PATH"))
    return (podman, "unshare") if os.geteuid() != SUPERUSER and own and podman else ()


def hybrid_cgroups(root: Path = Path("/")) -> bool:
    """Whether the controllers are those of version 1."""
    groups = root / "sys/fs/cgroup"
    return groups.exists() and not (groups / "cgroup.controllers").exists()


def asked(path: Path) -> str:
    """What answers at a socket, `Docker 20.10.24`. Raises EngineGone."""
    connection = HTTPConnection("engine", timeout=ANSWER_S)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(ANSWER_S)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", "/version")
        found = json.loads(connection.getresponse().read(VERSION_MAX))
        parts = [str(part["Name"]) for part in found.get("Components") or ()]
        return f"{'Podman' if 'Podman Engine' in parts else 'Docker'} {found['Version']}"
    except (OSError, HTTPException, ValueError, KeyError, AttributeError, TypeError) as error:
        raise EngineGone(f"{path}: no answer of a container engine ({error})") from error
    finally:
        connection.close()


def _sockets(environ: Mapping[str, str], root: Path) -> list[Path]:
    host = environ.get("DOCKER_HOST", "")
    found = [Path(host.removeprefix("unix://"))] if host.startswith("unix://") else []
    if run := environ.get("XDG_RUNTIME_DIR"):
        found.append(Path(run) / "podman/podman.sock")
    return [*found, root / "run/podman/podman.sock", root / "var/run/docker.sock"]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class EngineDoor:
    """The one connection of a platform to its engine, made on first use. `folder` holds the socket of a service of ours;
    `pods_folder` marks it."""

    def __init__(
        self,
        found: Found,
        *,
        folder: Path,
        pods_folder: Path,
        environ: Mapping[str, str],
        clock: Clock,
        idle_s: int = 0,
    ) -> None:
        """`idle_s`: when a service of ours that nobody uses ends by itself; 0: never."""
        self._found = found
        self._idle_s = idle_s
        self._folder = folder
        self._environ = {**environ, PLATFORM_MARKER: str(pods_folder.absolute())}
        self._clock = clock
        self._client: EngineClient | None = None
        self._service: subprocess.Popen[bytes] | None = None
        self._lock = anyio.Lock()

    async def client(self) -> EngineClient:
        """Raises EngineGone when the engine cannot be started."""
        async with self._lock:
            if self._service is not None and self._service.poll() is not None:
                _log.warning("podman's service ended", code=self._service.returncode)
                await self._forget()
            if self._client is None:
                path = self._found.socket or await self._start()
                module = importlib.import_module("tanebi.kubelet.engine.client")
                client: EngineClient = module.EngineClient(path)
                try:
                    await client.agree()
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await client.close()
                    raise
                self._client = client
            return self._client

    async def close(self) -> None:
        """End the service if it is ours. Containers are not touched."""
        service = self._service
        await self._forget()
        if service is not None and service.poll() is None:
            service.terminate()
            await to_thread.run_sync(_reap, service)

    async def _forget(self) -> None:
        client, self._client, self._service = self._client, None, None
        if client is not None:
            await client.close()

    async def _start(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder.absolute() / "podman.sock"
        if len(str(path)) > SOCKET_PATH_MAX:
            path = Path(tempfile.mkdtemp(prefix="tanebi-")) / "podman.sock"
        path.unlink(missing_ok=True)
        runtime = ["--runtime", self._found.oci_runtime] if self._found.oci_runtime else []
        argv = [
            self._found.podman,
            *runtime,
            "system",
            "service",
            f"--time={self._idle_s}",
            f"unix://{path}",
        ]
        settings = podmanconf.write(self._folder.absolute(), self._environ)
        told = {} if settings is None else {"CONTAINERS_CONF": str(settings)}
        self._service = _spawn(argv, {**self._environ, **told}, self._folder / "podman.log")
        with anyio.move_on_after(START_S):
            while not _answers(path):
                if self._service.poll() is not None:
                    break
                await self._clock.sleep(POLL_S)
            else:
                _log.info("podman's service started", pid=self._service.pid)
                return path
        self._service.kill()
        await to_thread.run_sync(_reap, self._service)
        self._service = None
        raise EngineGone(f"podman's service did not start; see {self._folder / 'podman.log'}")


def _spawn(argv: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            cwd=log.parent,  # conmon leaves a file named oom where it was started
            start_new_session=True,
        )


def _reap(service: subprocess.Popen[bytes]) -> None:
    try:
        service.wait(STOP_S)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()
