import os
import subprocess
import sys
from pathlib import Path

import pytest

from tanebi.base.datalock import locked, prepare
from tanebi.base.errors import UserError


def test_the_directory_is_made_private(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    prepare(root)
    prepare(root)
    assert root.stat().st_mode & 0o777 == 0o700
    assert list(root.iterdir()) == []


def test_a_path_through_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/data cannot be used: Not a directory"):
        prepare(tmp_path / "file" / "data")


def test_a_full_disk_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from tanebi.base.datalock import prepare\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); prepare(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert f"the data directory {tmp_path} cannot be used: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_are_refused_with_the_pid(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), pytest.raises(UserError, match=rf"pid {os.getpid()}\)"), locked(path):
        pass
    with locked(path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from tanebi.base.datalock import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=str(holder.pid)), locked(path):
            pass
        holder.kill()
    with locked(path):
        pass
