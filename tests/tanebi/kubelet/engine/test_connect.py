"""Finding an engine, and a service that does not start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine.connect import (
    EngineDoor,
    Found,
    asked,
    find,
    hybrid_cgroups,
    into_namespace,
)
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.processes import service_mark
from tanebi.testing.waiting import wait_until

DEADLINE_S = 20.0


def program(folder: Path, name: str, text: str = "exit 3") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_nothing(tmp_path: Path) -> None:
    assert find({"PATH": str(tmp_path)}, root=tmp_path) is None


def test_a_socket_that_answers_goes_before_the_program(tmp_path: Path) -> None:
    program(tmp_path / "bin", "podman")
    env = {"PATH": str(tmp_path / "bin"), "DOCKER_HOST": f"unix://{tmp_path}/d.sock"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "d.sock"))
        found = find(env, root=tmp_path)
        assert found is not None
        assert found.podman, "nobody listens at the socket"
        listener.listen()
        assert find(env, root=tmp_path) == Found(tmp_path / "d.sock")


def test_runc_where_crun_refuses(tmp_path: Path) -> None:
    for name in ("podman", "runc"):
        program(tmp_path / "bin", name)
    env = {"PATH": str(tmp_path / "bin")}
    found = find(env, root=tmp_path)
    assert found is not None
    assert (found.oci_runtime, found.words) == ("", "podman, started on demand")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    assert hybrid_cgroups(tmp_path)
    found = find(env, root=tmp_path)
    assert found is not None
    assert found.oci_runtime == str(tmp_path / "bin" / "runc")
    (tmp_path / "sys/fs/cgroup/cgroup.controllers").touch()
    assert not hybrid_cgroups(tmp_path)


@pytest.mark.anyio
async def test_a_service_that_ends_at_once_is_told(tmp_path: Path) -> None:
    program(tmp_path / "bin", "podman", "echo no such thing >&2; exit 1")
    door = EngineDoor(
        Found(None, str(tmp_path / "bin/podman")),
        folder=tmp_path / "engine",
        environ={},
        clock=SystemClock(),
    )
    with pytest.raises(EngineGone, match=r"podman\.log"):
        await door.client()
    assert "no such thing" in (tmp_path / "engine/podman.log").read_text()
    await door.close()


# A podman that counts its starts, and answers when it is told to: as soon as there is a file `go`.
SERVICE = """
import http.server, os, socketserver, sys, time
folder, path = os.path.dirname(sys.argv[0]), sys.argv[-1].removeprefix("unix://")
print(os.getpid(), file=open(folder + "/starts", "a"), flush=True)
while not os.path.exists(folder + "/go"):
    time.sleep(0.01)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        broken = os.path.exists(folder + "/broken")
        body = b"" if broken else b'{"Components": [{"Name": "Podman Engine"}], "Version": "4.3.1"}'
        self.send_response(500 if broken else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def address_string(self):
        return "here"
socketserver.UnixStreamServer(path, Handler).serve_forever()
"""


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "service.py").write_text(SERVICE)
        program(folder / "bin", "podman", f'exec {sys.executable} {folder}/service.py "$@"')

    def door(self) -> EngineDoor:
        found = Found(None, str(self.folder / "bin/podman"))
        return EngineDoor(found, folder=self.folder / "e", environ={}, clock=SystemClock())

    @property
    def starts(self) -> list[int]:
        try:
            return [int(line) for line in (self.folder / "starts").read_text().split()]
        except FileNotFoundError:
            return []

    @property
    def living(self) -> list[int]:
        return [pid for pid in self.starts if Path(f"/proc/{pid}/environ").exists()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.anyio
async def test_whoever_was_cancelled_while_the_service_started_left_it_to_the_next(
    machine: Machine,
) -> None:
    door = machine.door()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door.client)
        await wait_until(lambda: bool(machine.starts), DEADLINE_S)
        tasks.cancel_scope.cancel()
    (machine.folder / "go").touch()
    assert (await door.client()).podman
    assert len(machine.starts) == 1
    await door.close()
    assert machine.living == []
    assert not (machine.folder / "e/podman.sock").exists()


@pytest.mark.anyio
async def test_a_service_that_was_given_up_is_ended(machine: Machine) -> None:
    for name in ("go", "broken"):
        (machine.folder / name).touch()
    door = machine.door()
    with pytest.raises(EngineError):
        await door.client()
    assert machine.living == []
    (machine.folder / "broken").unlink()
    await door.client()
    assert len(machine.starts) == 2
    await door.close()
    assert machine.living == []


@pytest.mark.anyio
async def test_a_service_of_two_processes_is_ended_whole(machine: Machine) -> None:
    """The one that was started waits for the other, and does not tell it of a signal."""
    (machine.folder / "go").touch()
    podman = machine.folder / "bin/podman"
    podman.write_text(podman.read_text().replace("exec ", "") + "exit\n")
    door = machine.door()
    await door.client()
    assert len(machine.living) == 1
    await door.close()
    assert machine.living == []


@pytest.mark.anyio
async def test_a_closed_door_starts_nothing(machine: Machine) -> None:
    (machine.folder / "go").touch()
    door = machine.door()
    await door.client()
    await door.close()
    with pytest.raises(EngineGone, match="ending"):
        await door.client()
    assert len(machine.starts) == 1


@pytest.mark.anyio
async def test_the_service_of_a_killed_platform_ends_with_it(machine: Machine) -> None:
    (machine.folder / "go").touch()
    script = f"""
import anyio, os, signal
from pathlib import Path
from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine.connect import EngineDoor, Found
async def main():
    folder = Path({str(machine.folder)!r})
    found = Found(None, str(folder / "bin/podman"))
    await EngineDoor(found, folder=folder / "e", environ={{}}, clock=SystemClock()).client()
    os.kill(os.getpid(), signal.SIGKILL)
anyio.run(main)
"""
    killed = await anyio.run_process([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(machine.starts) == 1
    await wait_until(lambda: machine.living == [], DEADLINE_S)


@pytest.mark.anyio
async def test_what_outlived_a_killed_platform_is_found_by_its_mark(machine: Machine) -> None:
    env = {**service_mark(machine.folder / "e"), "PATH": os.defpath}
    script = "import time; time.sleep(600)"
    serving = [sys.executable, "-c", script, "system", "service", "unix://x"]
    with (
        subprocess.Popen(serving, env=env) as left,
        subprocess.Popen(["sleep", "600"], env=env) as held,  # as an ordinary user's namespaces are
    ):
        await machine.door().end_left()
        assert left.wait(DEADLINE_S) == -signal.SIGKILL
        assert held.poll() is None
        held.kill()


@pytest.mark.anyio
async def test_a_folder_too_deep_for_a_socket_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    machine = Machine(deep)
    (deep / "go").touch()
    door = machine.door()
    socket_folder = (await door.client()).socket.parent
    assert socket_folder.parent == Path("/tmp")
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    await door.close()
    assert not socket_folder.exists()


def answering(folder: Path, body: bytes) -> Path:
    """The path of a socket that answers once."""
    path, listener = folder / "e.sock", socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as caller:
            caller.recv(4096)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    threading.Thread(target=serve, daemon=True).start()
    return path


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"Version": "20.10.24", "Components": [{"Name": "Engine"}]}', "Docker 20.10.24"),
        (b'{"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]}', "Podman 4.3.1"),
    ],
)
def test_what_answers_is_named(tmp_path: Path, body: bytes, name: str) -> None:
    assert asked(answering(tmp_path, body)) == name


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no json"])
def test_what_is_no_engine_is_told(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(EngineGone, match=r"e\.sock: no answer of a container engine"):
        asked(answering(tmp_path, body))


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(EngineGone):
        asked(tmp_path / "none.sock")


def test_whose_user_namespace_pods_of_an_engine_live_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman = tmp_path / "podman"
    podman.touch(mode=0o755)
    env = {"PATH": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    own, others = Found(tmp_path / "run/podman/podman.sock"), Found(Path("/run/docker.sock"))
    started = Found(None, "/bin/podman")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert into_namespace(started, env) == ("/bin/podman", "unshare")
    assert into_namespace(own, env) == (str(podman), "unshare")
    assert into_namespace(own, {**env, "PATH": ""}) == ()
    assert into_namespace(others, env) == ()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert into_namespace(started, env) == ()
