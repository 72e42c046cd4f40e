"""Go programs of the tests: built once a module; Go's own cache keeps what was built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tanebi.testing.skipping import skipped_but_in_ci

BUILD_TIMEOUT_S = 400  # the first time; a moment when Go's cache is warm

GO_MARKS = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(BUILD_TIMEOUT_S + 180),
    skipped_but_in_ci(shutil.which("go") is None, "Go is not installed (CI has it)"),
]


def go_program(source: Path, folder: Path) -> Path:
    """The program whose module is at `source`, in `folder`."""
    made = folder / source.name
    done = subprocess.run(
        ["go", "build", "-o", str(made), "."],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return made


def passed_checks(program: Path, kubeconfig: Path) -> list[str]:
    """What the program says that it has checked, in order; it must have come to its end."""
    done = subprocess.run(
        [str(program), str(kubeconfig)], capture_output=True, text=True, timeout=150, check=False
    )
    assert "all ok" in done.stdout, done.stdout + done.stderr[-4000:]
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
