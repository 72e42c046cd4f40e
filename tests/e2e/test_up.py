"""`tanebi up` itself: what it prints and writes, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import (
    User,
    broker,
    build_images,
    eventually,
    processes_with,
    service,
    trigger,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_it_says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data").start()
    endpoints = platform.endpoints
    assert endpoints["gateway"].startswith("http://")
    assert endpoints["api"].startswith("https://")
    assert endpoints["pid"] == platform.pid
    assert stat.S_IMODE((tmp_path / "data/kubeconfig").stat().st_mode) == 0o600
    assert "ready in" in platform.log_tail()
    assert platform.cli("version").stdout
    assert platform.stop() == 0
    assert not (tmp_path / "data/endpoints.json").exists()


def test_a_second_platform_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with Platform(tmp_path / "data") as first:
        second = first.cli("up", "--gateway-port", "0", "--api-port", "0", check=False)
        assert second.returncode == 1
        assert str(first.pid) in second.stderr
        assert "Traceback" not in second.stderr
        assert first.running


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = Platform(tmp_path / "data").cli(
            "up", "--gateway-port", str(port), "--api-port", "0", check=False
        )
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = Platform(blocked / "data").cli(
        "up", "--gateway-port", "0", "--api-port", "0", check=False
    )
    assert done.returncode == 1
    assert str(blocked) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_data_directory_is_named() -> None:
    """/sys takes no files, not even of root."""
    done = Platform(Path("/sys")).cli("up", "--gateway-port", "0", "--api-port", "0", check=False)
    assert done.returncode == 1
    assert "the data directory /sys cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_stops_writes_and_nothing_else(tmp_path: Path) -> None:
    """A limit on the size of files is to SQLite, and to our own output, what a full disk is."""
    platform = Platform(tmp_path / "data").start()
    build_images(platform)
    user, out = User(platform), tmp_path / "out"
    user.apply(
        broker("b"), service("keeper", "dev.local/sink", env={"OUT": str(out)}), service("web")
    )
    user.apply(trigger("t", "b", "keeper"))
    user.wait_ready("trigger", "t")
    user.wait_ready("ksvc", "web")
    assert user.send("b", "before") == 202
    resource.prlimit(platform.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    for _ in range(2):
        refused = user.apply(service("late"), check=False)
        assert refused.returncode == 1
        assert "read-only" in refused.stderr
        assert "free disk space" in refused.stderr
        assert user.send("b", "refused") == 503
    assert "late" not in platform.cli("get", "ksvc").stdout
    assert user.request("web").status_code == 200
    assert "could not write to disk" in platform.log_path.read_text()
    assert platform.stop() == 0
    assert "Traceback" not in platform.log_path.read_text()
    platform.start()
    assert user.request("web").status_code == 200
    assert user.send("b", "after") == 202

    def received() -> set[str]:
        lines = out.read_text().splitlines() if out.exists() else []
        return {json.loads(line)["headers"]["ce-id"] for line in lines}

    eventually(lambda: received() == {"before", "after"}, what="what was acknowledged, no more")
    user.http.close()
    assert platform.stop() == 0


def test_a_corrupt_database_is_named_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "api.db").write_bytes(b"this is not a database" * 100)
    done = Platform(data).cli("up", "--gateway-port", "0", "--api-port", "0", check=False)
    assert done.returncode == 1
    assert "api.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert (data / "api.db").read_bytes().startswith(b"this is not")


def test_commands_without_a_platform_say_what_to_do(tmp_path: Path) -> None:
    done = Platform(tmp_path / "data").cli("get", "ksvc", check=False)
    assert done.returncode == 1
    assert "tanebi up" in done.stderr
    assert str(tmp_path / "data") in done.stderr
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "endpoints.json").write_text(
        json.dumps({"gateway": "http://127.0.0.1:1", "api": "https://127.0.0.1:1", "pid": 2**22})
    )
    done = Platform(stale).cli("get", "ksvc", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_objects_survive_a_restart_and_the_token_still_works(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data").start()
    manifest = json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "b"}}
    )
    platform.cli("apply", "-f", "-", stdin=manifest)
    token_before = (tmp_path / "data/kubeconfig").read_text()
    platform.stop()
    platform.start()
    kept = json.loads(platform.cli("get", "cm", "kept", "-o", "json").stdout)
    assert kept["data"] == {"a": "b"}
    assert _token(token_before) == _token((tmp_path / "data/kubeconfig").read_text())
    platform.stop()


def _token(kubeconfig: str) -> str:
    return next(line.split()[-1] for line in kubeconfig.splitlines() if "token:" in line)


def test_ctrl_c_finishes_requests_and_a_second_one_ends_at_once(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data").start()
    build_images(platform)
    user, out = User(platform), tmp_path / "out"
    user.apply(
        broker("b"),
        service("web", env={"MARKER": tmp_path.name}),
        service("keeper", "dev.local/sink", env={"OUT": str(out)}),
        trigger("t", "b", "keeper"),
    )
    user.wait_ready("ksvc", "web")
    user.wait_ready("trigger", "t")
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(user.request, "web", "/sleep?ms=1500") for _ in range(3)]
        eventually(lambda: user.request("web", "/running").text == "4", what="requests in flight")
        accepted = [str(n) for n in range(50) if user.send("b", str(n)) == 202]
        assert platform.stop() == 0
        assert [one.result().status_code for one in slow] == [200] * 3
    assert "Traceback" not in platform.log_path.read_text()
    platform.start()
    eventually(
        lambda: (
            {json.loads(x)["headers"]["ce-id"] for x in out.read_text().splitlines()}
            >= set(accepted)
        )
    )
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(user.request, "web", "/sleep?ms=9000")
        eventually(lambda: user.request("web", "/running").text == "2", what="a request in flight")
        platform.interrupt()
        eventually(lambda: "stopping" in platform.log_tail(2))
        began = time.monotonic()
        assert platform.stop() == 130
        assert time.monotonic() - began < 3
        assert isinstance(held.exception(), httpx.HTTPError)
    assert processes_with(tmp_path.name) == []
    user.http.close()
    platform.start()
    assert platform.stop() == 0


def test_get_answers_from_a_cold_shell_quickly(tmp_path: Path) -> None:
    """The bound is generous against a busy machine; bench/ measures the real figure."""
    with Platform(tmp_path / "data") as platform:
        platform.cli("get", "ksvc")
        before = os.times()
        started = time.monotonic()
        platform.cli("get", "ksvc")
        used = os.times()
        cpu = (used.children_user + used.children_system) - (
            before.children_user + before.children_system
        )
        assert cpu < 0.6, f"{cpu:.2f} s of CPU, {time.monotonic() - started:.2f} s elapsed"
