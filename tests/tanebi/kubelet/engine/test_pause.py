"""The sandbox's program runs and does nothing, and its image is the same each time."""

from __future__ import annotations

import io
import json
import platform
import subprocess
import tarfile
from pathlib import Path

import pytest

from tanebi.kubelet.engine import pause


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program of this processor is run")
def test_it_sleeps_until_it_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pause"
    file.write_bytes(pause.program("amd64"))
    file.chmod(0o755)
    with subprocess.Popen([str(file)]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.terminate()
        assert process.wait(5) == -15


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_the_archive(arch: str) -> None:
    content = pause.archive(arch)
    assert content == pause.archive(arch)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {name: tar.extractfile(name) for name in tar.getnames()}
        read = {name: file.read() for name, file in files.items() if file is not None}
    (manifest,) = json.loads(read["manifest.json"])
    assert manifest["RepoTags"] == [pause.TAG]
    config = json.loads(read[manifest["Config"]])
    assert (config["architecture"], config["config"]["Entrypoint"]) == (arch, ["/pause"])
    with tarfile.open(fileobj=io.BytesIO(read["layer.tar"])) as layer:
        assert layer.getmember("pause").mode == 0o755


def test_another_processor() -> None:
    with pytest.raises(KeyError):
        pause.program("riscv64")
