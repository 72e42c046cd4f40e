"""The runtime that needs nothing: a container is a child process in a session of its own.

Its working directory is the image's snapshot and its output goes line by line to the log. Its input is empty, unless the pod
wants one, which those who attach fill. Ending it ends its process group, and `clean` whatever left the group
(tanebi.kubelet.processes). Spawning costs about 0.3 ms, measured, and happens on the loop: a thread hand-over costs more. The
end of a process is an event (pidfd), never a poll.

A file `<pods>/<uid>/<container>.json` with pid and start time lets the next run of the platform end what a killed one left.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import anyio
from anyio import to_thread

from tanebi.api.podstreams import Wish
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet import processes
from tanebi.kubelet.attached import Attached, Console
from tanebi.kubelet.logfile import LogWriter, Splitter, StreamName, stamp_of
from tanebi.kubelet.processsession import ProcessSession, spawn, spawn_on_terminal
from tanebi.kubelet.runtime import Enter, ExecResult, Exit, Launch, StartFailed

READ_BYTES: Final = 64 * 1024
DRAIN_READS_MAX: Final = (
    16  # a pipe holds 64 KiB; more than this at the end comes from a stranger that keeps writing
)
EXEC_OUTPUT_MAX: Final = 10 * 1024
ID_PREFIX: Final = "process://"

_log = get_logger("runtime")

T = TypeVar("T")


class ProcessRuntime:
    """Implements tanebi.kubelet.runtime.Runtime. `folder` is the data directory's `pods`."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder.absolute()
        self._clock = clock

    async def start(self, launch: Launch) -> Child:
        """Raises StartFailed."""
        pod = self._folder / launch.pod_uid
        env = self._environment(launch, pod)
        try:
            (pod / "tmp").mkdir(parents=True, exist_ok=True)
            writer = LogWriter(launch.log)
        except OSError as error:
            raise StartFailed(
                "CreateContainerError", f"cannot prepare {error.filename}: {error.strerror}"
            ) from error
        try:
            spawned = await _start(launch, env, _spawn)
        except BaseException:
            writer.close()
            raise
        group = launch.group
        if group is not None:
            try:
                group.join(spawned.process.pid)
            except OSError as error:
                _log.warning("limits not kept", container=launch.container, why=str(error))
        state = pod / f"{launch.container}.json"
        console = Console(spawned.stdin, terminal=launch.tty, once=launch.stdin_once)
        stop = partial(processes.stop_container, self._folder, launch.pod_uid, launch.container)
        remember = partial(_remember, state)
        oom = group.has_killed if group is not None else bool
        return Child(
            spawned, writer, self._clock, console, on_wait=remember, stop=stop, out_of_memory=oom
        )

    async def execute(self, launch: Launch, *, timeout_s: float) -> ExecResult:
        env = self._environment(launch, self._folder / launch.pod_uid)
        try:
            process = await _start(launch, env, _spawn_beside)
        except StartFailed as failed:
            return ExecResult(Exit(126), failed.message)
        taken: list[bool] = []

        def run() -> ExecResult:
            taken.append(True)
            return _run_to_end(process, timeout_s)

        try:
            return await to_thread.run_sync(run, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            processes.kill_group(process.pid)
            if not taken:  # nobody waits for it but us
                with process:
                    pass
            raise

    async def session(self, launch: Launch, wish: Wish) -> ProcessSession:
        """Raises StartFailed."""
        env = self._environment(launch, self._folder / launch.pod_uid)
        return await _start(launch, env, partial(_spawn_session, wish=wish))

    async def sweep(self, pod_uid: str, container: str) -> None:
        await to_thread.run_sync(processes.kill_container, self._folder, pod_uid, container)

    async def clean(self, pod_uid: str) -> None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(processes.kill_pod, self._folder, pod_uid)
            await to_thread.run_sync(_forget, self._folder / pod_uid)

    async def clean_all(self) -> int:
        return await to_thread.run_sync(self._clean_all)

    def _clean_all(self) -> int:
        for state in self._folder.glob("*/*.json"):
            with contextlib.suppress(ValueError, KeyError):  # half-written when we were killed
                known = json.loads(state.read_text())
                if processes.started_ticks(known["pid"]) == known["started"]:
                    processes.kill_group(known["pid"])
        killed = processes.kill_platform(self._folder)
        for pod in self._folder.glob("*"):
            _forget(pod)
        return killed

    def _environment(self, launch: Launch, pod: Path) -> dict[str, str]:
        """What the pod says, what a program cannot do without, and our marks."""
        home = str(pod / "tmp")
        own = {
            processes.POD_MARKER: launch.pod_uid,
            processes.CONTAINER_MARKER: launch.container,
            processes.PLATFORM_MARKER: str(self._folder),
        }
        return {"PATH": os.defpath, "HOME": home, "TMPDIR": home, **launch.env, **own}


class _Spawned(NamedTuple):
    """Our ends. A terminal has no `stderr`, and its `stdin` is its `stdout` once more."""

    process: subprocess.Popen[bytes]
    stdin: int | None
    stdout: int
    stderr: int | None


class Child:
    """One child process. Implements tanebi.kubelet.runtime.Running.

    `on_wait(pid)` is called in a thread when somebody first waits for the end: what a start needs not wait for. `stop` stops
    every process of the container where it stands, and tells which.
    """

    def __init__(
        self,
        spawned: _Spawned,
        writer: LogWriter,
        clock: Clock,
        console: Console,
        *,
        on_wait: Callable[[int], None],
        stop: Callable[[], frozenset[int]],
        out_of_memory: Callable[[], bool] = bool,
    ) -> None:
        self._stop = stop
        self._out_of_memory = out_of_memory
        self._stopped: frozenset[int] = frozenset()
        process = spawned.process
        self._on_wait: Callable[[int], None] | None = on_wait
        self._process = process
        self._writer = writer
        self._ended = anyio.Event()
        self._exit: Exit | None = None
        self._loop = asyncio.get_running_loop()
        self._console = console
        outputs: tuple[tuple[int | None, StreamName], ...] = (
            (spawned.stdout, "stdout"),
            (spawned.stderr, "stderr"),
        )
        self._pumps = [
            _Pump(fd, stream, writer, clock, console) for fd, stream in outputs if fd is not None
        ]
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._on_exit)

    @property
    def id(self) -> str:
        return f"{ID_PREFIX}{self._process.pid}"

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> Exit:
        on_wait, self._on_wait = self._on_wait, None
        if on_wait is not None:
            await to_thread.run_sync(on_wait, self.pid)
        await self._ended.wait()
        assert self._exit is not None
        return self._exit

    async def attach(self, wish: Wish) -> Attached:
        """Raises StartFailed."""
        return self._console.attach(wish)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def pause(self) -> None:
        if self._exit is None:
            self._stopped = await to_thread.run_sync(self._stop)

    async def resume(self) -> None:
        stopped, self._stopped = self._stopped, frozenset()
        processes.resume(stopped)

    def _signal(self, number: signal.Signals) -> None:
        if self._exit is None:  # until it is reaped its group is surely its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _on_exit(self) -> None:
        """It has ended and is a zombie: end its group while the number is still its own, then take its exit."""
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        processes.kill_group(self._process.pid)
        code = self._process.wait()
        for pump in self._pumps:
            pump.finish()
        self._writer.close()
        if self._writer.lost_bytes:
            _log.warning("output lost, the log could not be written", bytes=self._writer.lost_bytes)
        reason = "OOMKilled" if code and self._out_of_memory() else ""
        self._exit = Exit(128 - code, -code, reason) if code < 0 else Exit(code, 0, reason)
        self._console.ended(self._exit.code)
        self._ended.set()


class _Pump:
    """From one pipe to the log. Holds one line at most; a container that writes faster than we do waits."""

    def __init__(
        self, fd: int, stream: StreamName, writer: LogWriter, clock: Clock, console: Console
    ) -> None:
        self._fd = fd
        self._open = True
        self._stream: StreamName = stream
        self._console = console
        self._splitter = Splitter(stream)
        self._writer = writer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def finish(self) -> None:
        """The container has ended: take what is in the pipe and close it."""
        for _ in range(DRAIN_READS_MAX):
            if not self._read():
                break
        self._close()

    def _read(self) -> bool:
        """One read. False: nothing (more) to read now."""
        if not self._open:
            return False
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # a terminal whose programs are gone
            data = b""
        if data:
            self._console.printed(self._stream, data)
            self._writer.write(self._splitter.feed(data, self._stamp()))
        else:
            self._close()
        return bool(data)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._writer.write(self._splitter.end(self._stamp()))
            self._loop.remove_reader(self._fd)
            os.close(self._fd)

    def _stamp(self) -> str:
        return stamp_of(self._clock.wall())


async def _start(
    launch: Launch, env: dict[str, str], spawn: Callable[[Launch, dict[str, str]], T]
) -> T:
    """Here or inside. Not to be interrupted: what was started must be known. Raises StartFailed."""
    view = launch.view
    if launch.inside is None and view is None:
        return spawn(launch, env)

    def viewed(wanted: Launch) -> T:
        return spawn(wanted, env) if view is None else view.run(partial(spawn, wanted, env))

    def entering(enter: Enter) -> T:
        argv = enter(launch.argv, launch.cwd)
        if argv is not launch.argv:  # another program enters for us, and finds out too late
            _look_for(launch, env)
        return viewed(replace(launch, argv=tuple(argv)))

    try:
        with anyio.CancelScope(shield=True):
            if launch.inside is None:
                started = await to_thread.run_sync(viewed, launch)
            else:
                started = await launch.inside(entering)
    except OSError as error:
        raise StartFailed("CreateContainerError", f"namespaces: {error}") from error
    return started


def _look_for(launch: Launch, env: Mapping[str, str]) -> None:
    """Raises StartFailed when there is no such program, or it may not be run."""
    name = launch.argv[0]
    if "/" in name:
        path = launch.cwd / name
        found, known = os.access(path, os.X_OK) and not path.is_dir(), path.exists()
    else:
        found, known = shutil.which(name, path=env["PATH"]) is not None, False
    if not found:
        error = PermissionError if known else FileNotFoundError
        number = errno.EACCES if known else errno.ENOENT
        raise _start_failed(launch, error(number, os.strerror(number)))


def _spawn(launch: Launch, env: dict[str, str]) -> _Spawned:
    """Raises StartFailed."""
    if launch.tty:
        return _spawn_on_terminal(launch, env)
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    in_read, in_write = os.pipe() if launch.stdin else (None, None)
    try:
        process = subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL if in_read is None else in_read,
            stdout=out_write,
            stderr=err_write,
            cwd=launch.cwd,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        _close(out_read, err_read, in_write)
        raise _start_failed(launch, error) from error
    finally:
        _close(out_write, err_write, in_read)
    return _Spawned(process, in_write, out_read, err_read)


def _spawn_on_terminal(launch: Launch, env: dict[str, str]) -> _Spawned:
    """Raises StartFailed."""
    try:
        process, master = spawn_on_terminal(launch.argv, env, launch.cwd)
    except (OSError, ValueError) as error:
        raise _start_failed(launch, error) from error
    return _Spawned(process, os.dup(master), master, None)


def _close(*fds: int | None) -> None:
    for fd in fds:
        if fd is not None:
            os.close(fd)


def _remember(state: Path, pid: int) -> None:
    """Reading about a process that is just being loaded, and making a file, take milliseconds at times: not on the loop."""
    known = {"pid": pid, "started": processes.started_ticks(pid)}
    try:
        state.write_text(json.dumps(known))
    except OSError as error:  # the marks in its environment are enough to find it
        _log.warning("container state not written", path=error.filename, why=error.strerror)


def _start_failed(launch: Launch, error: Exception) -> StartFailed:
    """Kubernetes' reason and runc's words, so that what people search for is found."""
    name = launch.argv[0]
    match error:
        case FileNotFoundError() if not launch.cwd.is_dir():
            return StartFailed("CreateContainerError", f"working directory {launch.cwd} is missing")
        case FileNotFoundError():
            where = (
                "no such file or directory" if "/" in name else "executable file not found in $PATH"
            )
            return StartFailed("RunContainerError", f'exec: "{name}": {where}')
        case OSError():
            return StartFailed(
                "RunContainerError", f'exec: "{name}": {(error.strerror or "failed").lower()}'
            )
        case _:
            return StartFailed("CreateContainerError", f"command or environment: {error}")


def _spawn_beside(launch: Launch, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Raises StartFailed."""
    try:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _start_failed(launch, error) from error


def _spawn_session(launch: Launch, env: dict[str, str], wish: Wish) -> ProcessSession:
    """Raises StartFailed."""
    try:
        return spawn(launch.argv, env, launch.cwd, wish)
    except (OSError, ValueError) as error:
        raise _start_failed(launch, error) from error


def _run_to_end(process: subprocess.Popen[bytes], timeout_s: float) -> ExecResult:
    with process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            processes.kill_group(process.pid)
            return ExecResult(None, f"command timed out after {timeout_s:g}s")
    code = process.returncode
    return ExecResult(
        Exit(code if code >= 0 else 128 - code), output[:EXEC_OUTPUT_MAX].decode("utf-8", "replace")
    )


def _forget(pod: Path) -> None:
    try:
        shutil.rmtree(pod)
    except FileNotFoundError:
        return
    except OSError as error:  # it only takes room; the next start tries again
        _log.warning("pod folder not removed", path=str(pod), why=error.strerror)
