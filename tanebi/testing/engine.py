"""A container engine for tests: whether there is one, and an image for it that needs no registry."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tanebi.base.settings import environment
from tanebi.kubelet.engine import connect

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

IMAGE: Final = "dev.local/busybox:test2"
CI_VARIABLE: Final = "TANEBI_CI"
_CONTAINERFILE: Final = b"""FROM scratch
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
    return pytest.mark.skipif(
        missing and CI_VARIABLE not in environment(),
        reason="needs podman or Docker, and the package busybox-static",
    )


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
            ("Containerfile", _CONTAINERFILE, 0o644),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
