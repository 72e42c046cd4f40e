"""A Go program on client-go drives the platform: typed objects in protobuf, informers, the dynamic client, leader election, an
operator of a few lines, and one with controller-runtime and a kind of its own. Its source is tests/clients/go; Go's own cache
keeps what was built."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tanebi.testing.platform import Platform

SOURCE = Path(__file__).parent / "go"
CHECKS = (
    "discovery objects conflicts apply informers deployment job autoscaler dynamic leader operator "
    "controller-runtime collection"
).split()
BUILD_TIMEOUT_S = 400  # the first time; a moment when Go's cache is warm

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(BUILD_TIMEOUT_S + 180),
    pytest.mark.skipif(
        shutil.which("go") is None and "TANEBI_CI" not in os.environ,
        reason="Go is not installed (CI has it)",
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("go") / "clients"
    done = subprocess.run(
        ["go", "build", "-o", str(made), "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return made


def test_every_check_of_the_go_program(platform: Platform, program: Path) -> None:
    done = subprocess.run(
        [str(program), str(platform.data_dir / "kubeconfig")],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    passed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert passed == CHECKS, done.stdout + done.stderr[-4000:]
    assert "all ok" in done.stdout
