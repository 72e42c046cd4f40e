"""Container engines for tests: which there are, what they hold, and an image for them that needs no registry.

Tests that hold for every engine take the environment in which `tanebi.kubelet.engine.connect` finds one from the fixture
`engine_environment` (tests/conftest.py). CI promises both, and a missing one fails there.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.settings import environment
from tanebi.kubelet.engine import connect
from tanebi.testing.docker import DAEMON, Dockerd
from tanebi.testing.skipping import skipped_but_in_ci

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

IMAGE: Final = "dev.local/busybox:test2"
PODMAN: Final = "podman"
DOCKER: Final = "docker"
CONTAINERFILE: Final = b"""FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY busybox /bin/sleep
COPY busybox /bin/cat
COPY busybox /bin/hostname
COPY busybox /bin/id
COPY busybox /bin/wget
ENV PATH=/bin
CMD ["/bin/sh"]
"""


def engine_missing() -> pytest.MarkDecorator:
    """Skips without an engine and a static busybox, but not in CI, which promises both."""
    missing = connect.find(environment()) is None or shutil.which("busybox") is None
    return skipped_but_in_ci(missing, "needs podman or Docker, and the package busybox-static")


def docker_missing() -> pytest.MarkDecorator:
    """Skips for who cannot start Docker's daemon, but not in CI."""
    missing = shutil.which(DAEMON) is None or os.geteuid() != 0 or shutil.which("busybox") is None
    return skipped_but_in_ci(missing, "needs root, the package docker.io and busybox-static")


def engines() -> list[object]:
    """Parameters for tests that hold for every engine."""
    return [
        pytest.param(PODMAN, marks=engine_missing()),
        pytest.param(DOCKER, marks=[docker_missing(), pytest.mark.long]),
    ]


def without_docker(env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Podman is found."""
    return {name: value for name, value in env.items() if name != "DOCKER_HOST"}


def containers_of(env: Mapping[str, str], *labels: str) -> list[str]:
    """What the engine of this environment holds with these labels."""
    host = env.get("DOCKER_HOST", "").removeprefix("unix://")
    if host:
        return Dockerd(Path(host).parent).containers(*labels)
    said = subprocess.run(
        ["podman", "ps", "-a", "-q", *(f"--filter=label={label}" for label in labels)],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split()


def build_busybox(env: Mapping[str, str], folder: Path) -> None:
    """The same image, for tests that have no client of their own. `folder` is for the engine's service, should it take one."""
    found = connect.find(env)
    assert found is not None, "no engine"
    anyio.run(_build_busybox, found, env, folder)


async def _build_busybox(found: connect.Found, env: Mapping[str, str], folder: Path) -> None:
    door = connect.EngineDoor(found, folder=folder, environ=env, clock=SystemClock())
    try:
        await busybox_image(await door.client())
    finally:
        with anyio.CancelScope(shield=True):
            await door.close()


async def busybox_image(client: EngineClient) -> str:
    """Build IMAGE if the engine has none. Returns its name."""
    if await client.image(IMAGE) is None:
        context = _context()

        async def chunks() -> AsyncIterator[bytes]:
            yield context

        async with client.build(chunks(), IMAGE, "Containerfile") as lines:
            said = [line async for line in lines]
        assert not any("error" in line for line in said), said[-1]
    return IMAGE


def _context() -> bytes:
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content, mode in (
            ("busybox", busybox, 0o755),
            ("Containerfile", CONTAINERFILE, 0o644),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
