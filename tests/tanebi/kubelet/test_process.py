"""Real child processes: their output, their end, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tanebi.base.clock import SystemClock
from tanebi.kubelet import processes
from tanebi.kubelet.logfile import decode
from tanebi.kubelet.process import Child, ProcessRuntime
from tanebi.kubelet.runtime import Exit, Launch, StartFailed
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

SPAWN_BUDGET_S = 0.010  # an order above what it takes, for a busy machine

RUNAWAY = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(tmp_path / "pods", clock=SystemClock())
    yield made
    await made.clean_all()


def launch(tmp_path: Path, *argv: str, uid: str = "uid-1", **env: str) -> Launch:
    return Launch(
        pod_uid=uid,
        container="main",
        attempt=0,
        argv=argv,
        env={"PATH": os.environ["PATH"], **env},
        cwd=tmp_path,
        log=tmp_path / "logs" / "0.log",
    )


def script(tmp_path: Path, text: str, *args: str) -> Launch:
    return launch(tmp_path, sys.executable, "-c", text, *args)


def output(tmp_path: Path) -> list[tuple[str, bytes]]:
    lines = (tmp_path / "logs" / "0.log").read_bytes().splitlines()
    return [(line.stream, line.text) for line in map(decode, lines)]


def alive(pid: int) -> bool:
    """Whether it runs: a zombie waiting for its reaper does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_output_and_exit_code(runtime: ProcessRuntime, tmp_path: Path) -> None:
    text = (
        "import sys; print('out'); print('err', file=sys.stderr); print('end', end=''); sys.exit(3)"
    )
    child = await runtime.start(script(tmp_path, text))
    assert child.id == f"process://{child.pid}"
    assert await child.wait() == Exit(3)
    assert await child.wait() == Exit(3), "asked twice"
    assert sorted(output(tmp_path)) == [("stderr", b"err"), ("stdout", b"end"), ("stdout", b"out")]


async def test_its_environment_is_what_was_said(runtime: ProcessRuntime, tmp_path: Path) -> None:
    one = launch(tmp_path, "/usr/bin/env", GREETING="hello")
    await (await runtime.start(one)).wait()
    found = dict(line.decode().split("=", 1) for _, line in output(tmp_path))
    assert found == {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "pods" / "uid-1" / "tmp"),
        "TMPDIR": str(tmp_path / "pods" / "uid-1" / "tmp"),
        "GREETING": "hello",
        "TANEBI_POD_UID": "uid-1",
        "TANEBI_CONTAINER": "main",
        "TANEBI_PODS": str(tmp_path / "pods"),
    }


async def test_its_input_is_empty_and_it_has_a_session_of_its_own(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    text = "import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    await (await runtime.start(script(tmp_path, text))).wait()
    assert output(tmp_path) == [("stdout", b"'' True")]


async def test_spawning_is_quick_and_leaves_no_descriptors(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    took = []
    for _ in range(20):
        began = time.perf_counter()
        child = await runtime.start(launch(tmp_path, "/bin/true"))
        took.append(time.perf_counter() - began)
        await child.wait()
    assert min(took) < SPAWN_BUDGET_S, "the best of many, so that a busy machine does not decide"
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_terminate_and_kill(runtime: ProcessRuntime, tmp_path: Path) -> None:
    polite = await runtime.start(launch(tmp_path, "sleep", "60"))
    polite.terminate()
    assert await polite.wait() == Exit(143, signal.SIGTERM)
    text = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    deaf = await runtime.start(script(tmp_path, text))
    await wait_until(lambda: ("stdout", b"deaf") in output(tmp_path))
    deaf.terminate()
    deaf.kill()
    assert await deaf.wait() == Exit(137, signal.SIGKILL)
    deaf.kill()


async def test_its_whole_group_ends_with_it(runtime: ProcessRuntime, tmp_path: Path) -> None:
    child = await runtime.start(launch(tmp_path, "sh", "-c", "sleep 60 & echo $!; exit 0"))
    assert await child.wait() == Exit(0)
    ((_, pid),) = output(tmp_path)
    await wait_until(lambda: not alive(int(pid)))


async def test_what_left_the_group_is_found(runtime: ProcessRuntime, tmp_path: Path) -> None:
    where = tmp_path / "runaway.pid"
    child = await runtime.start(script(tmp_path, RUNAWAY, str(where), "0.2"))
    pid = int(await wait_until(lambda: where.exists() and where.read_text()))
    await child.wait()
    assert alive(pid)
    await runtime.clean("uid-1")
    await wait_until(lambda: not alive(pid))
    assert not (tmp_path / "pods" / "uid-1").exists()
    await runtime.clean("uid-1")


async def test_one_container_is_swept_beside_another(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    main = await runtime.start(launch(tmp_path, "sleep", "60"))
    other = await runtime.start(replace(launch(tmp_path, "sleep", "60"), container="other"))
    await runtime.sweep("uid-1", "main")
    assert (await main.wait()).signal == signal.SIGKILL
    assert alive(other.pid)


async def test_the_next_run_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    """As after kill -9 of the platform: a stranger process started these, and only the folder is known."""
    where, other = tmp_path / "runaway.pid", tmp_path / "other.pid"
    program = f"""
import anyio, os, sys
from pathlib import Path
from tanebi.base.clock import SystemClock
from tanebi.kubelet.process import ProcessRuntime
from tanebi.kubelet.runtime import Launch
async def main():
    for folder, pid in (("pods", {str(where)!r}), ("others", {str(other)!r})):
        runtime = ProcessRuntime(Path({str(tmp_path)!r}) / folder, clock=SystemClock())
        argv = (sys.executable, "-c", {RUNAWAY!r}, pid, "60")
        env = dict(PATH=os.environ["PATH"])
        log = Path({str(tmp_path)!r}) / "logs" / folder
        await runtime.start(Launch("uid-1", "main", 0, argv, env, Path("/"), log))
    while not all(os.path.exists(p) and open(p).read() for p in ({str(where)!r}, {str(other)!r})):
        await anyio.sleep(0.01)
    os.kill(os.getpid(), 9)
anyio.run(main)
"""
    killed = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert killed.returncode == -9
    mine, others = int(where.read_text()), int(other.read_text())
    assert alive(mine)
    runtime = ProcessRuntime(tmp_path / "pods", clock=SystemClock())
    assert await runtime.clean_all() >= 1
    await wait_until(lambda: not alive(mine))
    assert alive(others), "another platform's pods are not ours to end"
    assert list((tmp_path / "pods").iterdir()) == []
    assert await runtime.clean_all() == 0
    processes.kill_platform(tmp_path / "others")


async def test_a_command_that_cannot_be_run(runtime: ProcessRuntime, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("not a program")
    (tmp_path / "broken").write_bytes(b"\x7fELF garbage")
    (tmp_path / "broken").chmod(0o755)
    for argv, reason, words in [
        (("no-such-program",), "RunContainerError", "executable file not found in $PATH"),
        (("./nowhere",), "RunContainerError", "no such file or directory"),
        (("./plain",), "RunContainerError", "permission denied"),
        (("./broken",), "RunContainerError", "exec format error"),
        (("echo", "a\0b"), "CreateContainerError", "command or environment"),
    ]:
        with pytest.raises(StartFailed) as caught:
            await runtime.start(launch(tmp_path, *argv))
        assert caught.value.code == reason
        assert words in caught.value.message


async def test_a_missing_working_directory(runtime: ProcessRuntime, tmp_path: Path) -> None:
    one = launch(tmp_path, "true")
    gone = Launch(one.pod_uid, "main", 0, one.argv, one.env, tmp_path / "gone", one.log)
    with pytest.raises(StartFailed, match=r"working directory .* is missing"):
        await runtime.start(gone)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runtime = ProcessRuntime(tmp_path / "file" / "pods", clock=SystemClock())
    with pytest.raises(StartFailed, match="cannot prepare"):
        await runtime.start(launch(tmp_path, "true"))


async def test_a_flood_of_output_is_kept_in_order(runtime: ProcessRuntime, tmp_path: Path) -> None:
    text = "import sys\nfor i in range(20000): sys.stdout.write(f'line {i}\\n')"
    child: Child = await runtime.start(script(tmp_path, text))
    await child.wait()
    assert [text for _, text in output(tmp_path)] == [b"line %d" % i for i in range(20000)]


async def test_probe_commands(runtime: ProcessRuntime, tmp_path: Path) -> None:
    good = await runtime.execute(launch(tmp_path, "echo", "fine"), timeout_s=5)
    assert (good.exit, good.output) == (Exit(0), "fine\n")
    bad = await runtime.execute(launch(tmp_path, "sh", "-c", "exit 7"), timeout_s=5)
    assert bad.exit == Exit(7)
    slow = await runtime.execute(launch(tmp_path, "sleep", "60"), timeout_s=0.1)
    assert slow.exit is None
    assert "timed out" in slow.output
    absent = await runtime.execute(launch(tmp_path, "no-such-program"), timeout_s=5)
    assert absent.exit == Exit(126)
