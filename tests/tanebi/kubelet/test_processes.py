"""Who is ours, as /proc shows it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tanebi.kubelet import processes

PODS = Path("/some/pods")
MARKS = {"TANEBI_POD_UID": "uid-7", "TANEBI_CONTAINER": "c", "TANEBI_PODS": str(PODS)}


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        ["sleep", "60"], env={**os.environ, **MARKS}, start_new_session=True
    ) as process:
        yield process
        process.kill()


def test_by_pod_and_by_platform(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.kill_pod(PODS, "uid-70") == 0, "not by a longer or shorter uid"
    assert processes.kill_pod(PODS, "uid") == 0
    assert processes.kill_pod(Path("/others/pods"), "uid-7") == 0, "another platform's pod"
    assert processes.kill_platform(Path("/some")) == 0
    assert sleeper.poll() is None
    assert processes.kill_container(PODS, "uid-7", "other") == 0
    assert processes.kill_platform(Path("/some/pods")) == 1
    assert sleeper.wait(5) == -9
    assert processes.kill_pod(PODS, "uid-7") == 0


def test_one_that_forks_on_is_caught() -> None:
    """Each child forks the next and ends, so that no single look sees them all."""
    chain = "import os, time\nfor _ in range(2000):\n    if os.fork(): os._exit(0)\n    time.sleep(0.002)"
    env = {**os.environ, "TANEBI_POD_UID": "uid-8", "TANEBI_PODS": str(PODS)}
    with subprocess.Popen([sys.executable, "-c", chain], env=env, start_new_session=True):
        time.sleep(0.1)
        processes.kill_pod(PODS, "uid-8")
        deadline = time.monotonic() + 5
        while processes.kill_pod(PODS, "uid-8") and time.monotonic() < deadline:
            pass
    assert processes.kill_pod(PODS, "uid-8") == 0


def test_a_process_is_known_by_when_it_began(sleeper: subprocess.Popen[bytes]) -> None:
    ticks = processes.started_ticks(sleeper.pid)
    assert ticks is not None
    assert ticks == processes.started_ticks(sleeper.pid)
    assert ticks >= (processes.started_ticks(1) or 0)
    assert processes.started_ticks(2**22 + 1) is None


def test_a_group(sleeper: subprocess.Popen[bytes]) -> None:
    processes.kill_group(sleeper.pid)
    assert sleeper.wait(5) == -9
    processes.kill_group(sleeper.pid)


def test_what_left_the_group_is_stopped_too_and_goes_on() -> None:
    env = {
        **os.environ,
        "TANEBI_POD_UID": "uid-9",
        "TANEBI_CONTAINER": "main",
        "TANEBI_PODS": str(PODS),
    }
    script = "import os, time\nif os.fork(): time.sleep(60)\nos.setsid(); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], env=env, start_new_session=True) as main:
        assert eventually(lambda: marked("uid-9") == 2)
        stopped = processes.stop_container(PODS, "uid-9", "main")
        assert len(stopped) == 2
        assert main.pid in stopped
        assert eventually(lambda: {state_of(pid) for pid in stopped} == {"T"})
        processes.resume(stopped)
        assert eventually(lambda: "T" not in {state_of(pid) for pid in stopped})
        processes.kill_pod(PODS, "uid-9")


def marked(uid: str) -> int:
    """How many processes there are of a pod."""
    count = 0
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += f"TANEBI_POD_UID={uid}\0".encode() in environ.read_bytes()
    return count


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def eventually(predicate: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not predicate() and time.monotonic() < deadline:
        time.sleep(0.01)
    return predicate()
