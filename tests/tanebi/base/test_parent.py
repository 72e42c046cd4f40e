"""A child does not outlive its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tanebi.base.errors import UserError
from tanebi.base.parent import die_with
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_child_dies_with_its_parent() -> None:
    child = (
        "import os,sys,time\n"
        "from tanebi.base.parent import die_with\n"
        "die_with(int(sys.argv[1]))\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    parent = (
        "import os,subprocess,sys\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]).wait()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(await anyio.to_thread.run_sync(process.stdout.readline))
        process.kill()
    await wait_until(lambda: not alive(pid) or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_orphan_does_not_start() -> None:
    code = "import os\nfrom tanebi.base.parent import die_with\ndie_with(os.getppid() + 1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert UserError.__name__ in done.stderr
    assert die_with.__doc__
