"""Finding a container engine, and starting Podman's service when nobody else has.

Looked for, in this order: DOCKER_HOST, Podman's and Docker's usual sockets (those that answer), and the `podman` program, whose
service is then started as a child on first use and ended with the platform, also with one that is killed: the kernel tells it.
It carries a mark, so that what a killed platform left in spite of that is found by the next one.

crun refuses hybrid cgroups (v1 with a v2 mount beside it), where runc works: there the service is started with runc.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
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
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.processes import kill_engine_service, kill_group, service_mark

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

SUPERUSER: Final = 0
START_S: Final = 20.0
POLL_S: Final = 0.02
STOP_S: Final = 5.0
ANSWER_S: Final = 5.0
VERSION_MAX: Final = 64 * 1024
SOCKET_PATH_MAX: Final = 100  # bytes; the system allows 107
# What becomes the service: bound to the life of who starts it, as tanebi.base.parent does it. preexec_fn would hold up the loop.
_BOUND: Final = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

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
    """The one connection of a platform to its engine, made on first use. `folder` holds the socket of a service of ours, and is
    its mark."""

    def __init__(
        self,
        found: Found,
        *,
        folder: Path,
        environ: Mapping[str, str],
        clock: Clock,
        idle_s: int = 0,
    ) -> None:
        """`idle_s`: when a service of ours that nobody uses ends by itself; 0: never."""
        self._found = found
        self._idle_s = idle_s
        self._folder = folder.absolute()
        self._environ = {**environ, **service_mark(self._folder)}
        self._clock = clock
        self._client: EngineClient | None = None
        self._service: subprocess.Popen[bytes] | None = None
        self._socket = _socket_path(self._folder)
        self._lock = anyio.Lock()
        self._closed = False

    async def end_left(self) -> None:
        """The service of an earlier run, if there is one. Only for who has `folder` alone, and before the first use."""
        if self._found.socket is None and (
            ended := await to_thread.run_sync(kill_engine_service, self._folder)
        ):
            _log.warning("ended a service of podman that an earlier run left", processes=ended)

    async def client(self) -> EngineClient:
        """Raises EngineGone when the engine cannot be started, and once the door is closed."""
        async with self._lock:
            if self._closed:
                raise EngineGone("the platform is ending")
            if self._service is not None and self._service.poll() is not None:
                _log.warning("podman's service ended", code=self._service.returncode)
                await self._forget()
                await self._end_service()  # what is left of it
            if self._client is None:
                self._client = await self._connected(self._found.socket or await self._start())
            return self._client

    async def close(self) -> None:
        """For good. The service is ended if it is ours; containers are not touched."""
        self._closed = True
        with anyio.CancelScope(shield=True):  # a start under way is bounded, and looks at `_closed`
            async with self._lock:
                await self._forget()
                await self._end_service()
                if self._found.socket is None:
                    self._socket.unlink(missing_ok=True)
                    if self._socket.parent != self._folder:
                        with contextlib.suppress(OSError):  # it never was, or is not empty
                            self._socket.parent.rmdir()

    async def _connected(self, path: Path) -> EngineClient:
        module = importlib.import_module("tanebi.kubelet.engine.client")
        client: EngineClient = module.EngineClient(path)
        try:
            await client.agree()
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await client.close()
                if isinstance(error, (EngineError, EngineGone)):
                    await self._end_service()  # it is given up, and nobody else would end it
            raise
        return client

    async def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _end_service(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            await self._end_group(service)

    async def _end_group(self, service: subprocess.Popen[bytes]) -> None:
        """An ordinary user's podman is two processes, and the one that we started may end before the other has heard of it."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(STOP_S):
                number: int = signal.SIGTERM
                while _signalled(service.pid, number):
                    number = 0
                    service.poll()  # a zombie counts as alive
                    await self._clock.sleep(POLL_S)
            kill_group(service.pid)
            await to_thread.run_sync(service.wait)

    async def _start(self) -> Path:
        """Whoever was cancelled while it waited for the service left it to the next one."""
        if self._service is None:
            self._service = self._spawn()
        service = self._service
        with anyio.move_on_after(START_S):
            while not _answers(self._socket):
                if service.poll() is not None or self._closed:
                    break
                await self._clock.sleep(POLL_S)
            else:
                _log.info("podman's service started", pid=service.pid)
                return self._socket
        with anyio.CancelScope(shield=True):
            await self._end_service()
        raise EngineGone(f"podman's service did not start; see {self._folder / 'podman.log'}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._socket.parent != self._folder:
            _make_private(self._socket.parent)
        self._socket.unlink(missing_ok=True)
        runtime = ["--runtime", self._found.oci_runtime] if self._found.oci_runtime else []
        argv = [
            self._found.podman,
            *runtime,
            "system",
            "service",
            f"--time={self._idle_s}",
            f"unix://{self._socket}",
        ]
        settings = podmanconf.write(self._folder, self._environ)
        told = {} if settings is None else {"CONTAINERS_CONF": str(settings)}
        return _spawn(argv, {**self._environ, **told}, self._folder / "podman.log")


def _socket_path(folder: Path) -> Path:
    """In `folder`, unless that is too deep for a socket. The same one in each run, so that none is left behind."""
    path = folder / "podman.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tanebi-{os.geteuid()}-{name}" / "podman.sock"


def _make_private(folder: Path) -> None:
    """Raises EngineGone when somebody else has it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise EngineGone(
            f"{folder} is needed for podman's socket, and is not ours alone: remove it"
        )


def _spawn(argv: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-IS", "-c", _BOUND, str(os.getpid()), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            cwd=log.parent,  # conmon leaves a file named oom where it was started
            start_new_session=True,
        )


def _signalled(group: int, number: int) -> bool:
    """False: nobody is left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
