"""Directories as build contexts, and what the engine says of a build."""

from __future__ import annotations

import io
import os
import shutil
import socket
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.building import Progress, archive, build, containerfile
from tanebi.kubelet.engine.client import EngineClient
from tanebi.testing.engine import engine_missing

FROM_SCRATCH = 'FROM scratch\nCOPY . /app\nCMD ["/app/run"]\n'


def directory(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def unpacked(folder: Path, name: str = "Containerfile") -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(archive(folder, name))))


def test_which_file_says_how_to_build(tmp_path: Path) -> None:
    assert containerfile(tmp_path) is None
    (tmp_path / "Dockerfile").touch()
    assert containerfile(tmp_path) == "Dockerfile"
    (tmp_path / "Containerfile").touch()
    assert containerfile(tmp_path) == "Containerfile"


def test_the_archive_is_the_directory(tmp_path: Path) -> None:
    directory(tmp_path, Containerfile=FROM_SCRATCH, run="x" * 1000, empty="", sub__deep__file="y")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("run")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        tar = unpacked(tmp_path)
    names = tar.getnames()
    assert sorted(names) == [
        "Containerfile",
        "empty",
        "link",
        "run",
        "sub",
        "sub/deep",
        "sub/deep/file",
    ]
    run = tar.getmember("run")
    assert (run.mode, run.size, run.uid) == (0o755, 1000, 0)
    content = tar.extractfile("sub/deep/file")
    assert content is not None
    assert content.read() == b"y"
    assert tar.getmember("link").linkname == "run"


@pytest.mark.parametrize("ignore", [".dockerignore", ".containerignore"])
def test_what_is_ignored_stays_out(tmp_path: Path, ignore: str) -> None:
    directory(tmp_path, Dockerfile="", a__b="", a__keep="", c="")
    (tmp_path / ignore).write_text("a\n!a/keep\nc\nDockerfile\n.*ignore\n")
    assert sorted(unpacked(tmp_path, "Dockerfile").getnames()) == ["Dockerfile", "a/keep"]


def test_the_step_that_failed_is_told() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    for text in ("STEP 1/2: FROM scratch\n", "STEP 2/2: RUN ", "false\n", "\n"):
        progress.take({"stream": text})
    progress.take({"status": "Pulling", "id": "abc"})
    progress.take({"status": "Downloading", "progressDetail": {"current": 1}})
    progress.take({"error": "exit status 1\n"})
    assert said == ["STEP 1/2: FROM scratch", "STEP 2/2: RUN false", "abc Pulling"]
    assert progress.words() == "the image could not be built at STEP 2/2: RUN false: exit status 1"


def test_an_image_to_build_on_that_is_not_to_be_had() -> None:
    progress = Progress(lambda line: None)
    progress.take({"stream": "STEP 1/2: FROM example.com/none\n"})
    progress.take({"error": "manifest unknown"})
    assert progress.words() == (
        "the image could not be built at STEP 1/2: FROM example.com/none: "
        "manifest unknown (the registry has no image of this name and tag)"
    )


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[EngineClient]:
    found = connect.find(os.environ)
    assert found is not None
    folder = tmp_path / "engine"
    door = connect.EngineDoor(
        found, folder=folder, environ=os.environ, clock=SystemClock(), idle_s=60
    )
    yield await door.client()
    with anyio.CancelScope(shield=True):
        await door.close()


@engine_missing()
@pytest.mark.anyio
async def test_a_directory_becomes_an_image_with_a_name_that_stays(
    tmp_path: Path, client: EngineClient
) -> None:
    source = directory(tmp_path / "app", Dockerfile=FROM_SCRATCH)
    shutil.copy(shutil.which("busybox") or "", source / "run")
    said: list[str] = []
    image = await build(client, source, "dev.local/built", say=said.append)
    assert image.command == ("/app/run",)
    assert image.reference.startswith("dev.local/built@sha256:")
    assert any("FROM scratch" in line for line in said)
    (source / "more").touch()
    again = await build(client, source, "dev.local/built", say=said.append)
    assert again.reference != image.reference


@engine_missing()
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM dev.local/nowhere/none\n", "dev.local/nowhere/none"),
        ("FROM scratch\nCOPY absent /x\n", "COPY absent"),
        ("nonsense\n", ""),
    ],
)
async def test_a_build_that_fails_says_where(
    tmp_path: Path, client: EngineClient, text: str, words: str
) -> None:
    source = directory(tmp_path / "app", Containerfile=text)
    with pytest.raises(UserError, match="could not be built") as failed:
        await build(client, source, "dev.local/failed", say=lambda line: None)
    assert words in failed.value.message


@pytest.mark.anyio
async def test_nothing_says_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no Containerfile"):
        await build(None, tmp_path, "dev.local/x", say=print)  # type: ignore[arg-type]
