"""Finding an engine, and a service that does not start."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

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
from tanebi.kubelet.engine.errors import EngineGone


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
        pods_folder=tmp_path / "pods",
        environ={},
        clock=SystemClock(),
    )
    with pytest.raises(EngineGone, match=r"podman\.log"):
        await door.client()
    assert "no such thing" in (tmp_path / "engine/podman.log").read_text()
    await door.close()


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
