"""Pulling into the container engine, for `tanebi image pull`: how far the layers are, and what went wrong in clear words."""

from __future__ import annotations

import base64
import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

import anyio

from tanebi.api.core.kinds import SECRET
from tanebi.api.core.plain import Secret
from tanebi.api.meta import Obj
from tanebi.base.errors import Unavailable, UserError
from tanebi.base.settings import DataDir, environment
from tanebi.cli.enginebuild import engine_client
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.errors import EngineError
from tanebi.kubelet.engine.pulling import Layers, advised
from tanebi.kubelet.engine.registryauth import login_for

CONFIG_MAX: Final = 1024 * 1024
CLEAR_LINE: Final = "\r\x1b[K"


def pull_into_engine(home: DataDir, ref: str) -> str:
    """The image's pinned reference. Raises UserError, Unavailable."""
    found = connect.find(environment())
    if found is None:
        raise UserError(
            "engine-missing",
            f"there is no container engine to pull {ref}",
            hint="install podman or start Docker (tanebi doctor tells more)",
        )
    return anyio.run(_pull, found, home, ref)


async def _pull(found: connect.Found, home: DataDir, ref: str) -> str:
    images = importlib.import_module("tanebi.kubelet.engine.images")
    if images.is_local_only(ref):
        raise UserError(
            "usage",
            f"{ref} is in no registry: images of that name are built here",
            hint=f"tanebi image build DIR --tag {ref}",
        )
    login = login_for(ref, logins(environment()))
    shown = Shown(ref, sys.stderr)
    async with engine_client(found, home) as client:
        try:
            failed = await images.pull(
                client, ref, login.header() if login else "", progress=shown.take
            )
        except EngineError as error:
            failed = error.message
        finally:
            shown.end()
        if failed:
            raise Unavailable("pull-failed", f"{ref} could not be pulled: {advised(failed)}")
        image = await images.pinned(client, ref)
    if isinstance(image, images.Missing):
        raise Unavailable("pull-failed", f"the engine pulled no image {ref}")
    reference: str = image.reference
    return reference


def logins(environ: Mapping[str, str]) -> list[Secret]:
    """Those of `docker login` and `podman login`, as Secrets. A file that cannot be read has none."""
    folder = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker"
    paths = [Path(folder) / "config.json"]
    if chosen := environ.get("REGISTRY_AUTH_FILE"):
        paths.insert(0, Path(chosen))
    elif run := environ.get("XDG_RUNTIME_DIR"):
        paths.insert(0, Path(run) / "containers/auth.json")
    found = []
    for path in paths:
        try:
            with path.open("rb") as file:
                content = file.read(CONFIG_MAX)
        except OSError:
            continue
        data = {".dockerconfigjson": base64.b64encode(content).decode()}
        found.append(SECRET.view({"metadata": {"name": "login", "namespace": ""}, "data": data}))
    return found


class Shown:
    """How far a pull is: one line that is written anew on a terminal; elsewhere a line for each layer that is done."""

    def __init__(self, ref: str, out: TextIO) -> None:
        self._ref = ref
        self._out = out
        self._layers = Layers()
        self._said = ""
        self._terminal = out.isatty()

    def take(self, line: Obj) -> None:
        self._layers.take(line)
        words = self._layers.words()
        news = words if self._terminal else words.partition(",")[0]
        if not news or news == self._said:
            return
        self._said = news
        text = f"Pulling {self._ref}: {news}"
        if self._terminal:
            self._out.write(CLEAR_LINE + text[: _columns(self._out) - 1])
        else:
            self._out.write(text + "\n")
        self._out.flush()

    def end(self) -> None:
        """What follows stands where the line stood."""
        if self._terminal and self._said:
            self._out.write(CLEAR_LINE)
            self._out.flush()


def _columns(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
