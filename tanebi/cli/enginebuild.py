"""Building in the container engine, for `tanebi image build` and `tanebi deploy`: finds the engine, or starts Podman's.

The way to the engine is also tanebi.cli.enginepull's.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import click

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.base.log import configure
from tanebi.base.settings import DataDir, environment
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.building import containerfile
from tanebi.kubelet.engine.errors import EngineGone

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

IDLE_S: Final = 60  # when a service of ours ends that nobody uses: should we be killed


def is_for_engine(directory: Path) -> bool:
    return containerfile(directory) is not None


def build_in_engine(home: DataDir, directory: Path, tag: str) -> str:
    """The image's pinned reference. Raises UserError."""
    found = connect.find(environment())
    if found is None:
        raise UserError(
            "engine-missing",
            f"{directory} has a {containerfile(directory)}, and there is no container engine to build it",
            hint="install podman or start Docker; a directory with a Procfile needs none (tanebi doctor tells more)",
        )
    return anyio.run(_build, found, home, directory, tag)


async def _build(found: connect.Found, home: DataDir, directory: Path, tag: str) -> str:
    building = importlib.import_module("tanebi.kubelet.engine.building")
    async with engine_client(found, home) as client:
        image = await building.build(client, directory, tag, say=click.echo)
    reference: str = image.reference
    return reference


@asynccontextmanager
async def engine_client(found: connect.Found, home: DataDir) -> AsyncIterator[EngineClient]:
    """For one command. Raises UserError when the engine is not to be had."""
    env = environment()
    configure(level=env.get("TANEBI_LOG_LEVEL", "warning"), json=env.get("TANEBI_LOG") == "json")
    folder = home.root / "engine-build"
    door = connect.EngineDoor(
        found,
        folder=folder,
        environ=env,
        clock=SystemClock(),
        idle_s=IDLE_S,
    )
    try:
        yield await door.client()
    except EngineGone as error:
        raise UserError("engine-missing", error.message, hint=error.hint) from error
    finally:
        with anyio.CancelScope(shield=True):
            await door.close()
