"""Building in the container engine, for `tanebi image build` and `tanebi deploy`: finds the engine, or starts Podman's."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import anyio
import click

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.base.settings import DataDir, environment
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.building import containerfile
from tanebi.kubelet.engine.errors import EngineGone

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
    folder = home.root / "engine-build"
    door = connect.EngineDoor(
        found,
        folder=folder,
        pods_folder=folder,
        environ=environment(),
        clock=SystemClock(),
        idle_s=IDLE_S,
    )
    try:
        client = await door.client()
        image = await building.build(client, directory, tag, say=click.echo)
    except EngineGone as error:
        raise UserError("engine-missing", error.message, hint=error.hint) from error
    finally:
        with anyio.CancelScope(shield=True):
            await door.close()
    reference: str = image.reference
    return reference
