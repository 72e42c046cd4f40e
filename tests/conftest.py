"""What every test may use."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from tanebi.testing.docker import Dockerd, dockerd
from tanebi.testing.engine import DOCKER, engines, without_docker

# Test modules are rewritten and compiled once, and not by each worker of each run: half of the time that collecting takes.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(params=[pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Shells run on the loop they run on in production."""
    return request.param


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A program that a test ran in this process may have sent all lines to a stream of its own."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def docker() -> Iterator[Dockerd]:
    """One daemon for all tests of this process."""
    with (
        tempfile.TemporaryDirectory(prefix="tanebi-docker-") as folder,
        dockerd(Path(folder)) as it,
    ):
        yield it


@pytest.fixture(params=engines(), scope="session")
def engine_environment(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Where tanebi.kubelet.engine.connect finds an engine: each of them in turn."""
    if request.param == DOCKER:
        daemon: Dockerd = request.getfixturevalue("docker")
        return daemon.environment
    return without_docker(os.environ)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that drive whole platforms begin first: each takes long, and beside the last of them nothing would be left to do.

    A module that sets IN_ORDER tells one story: its tests run as they stand, wherever chance put the module.
    """
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
    for module in {item.getparent(pytest.Module) for item in items}:
        if not getattr(getattr(module, "obj", None), "IN_ORDER", False):
            continue
        places = [n for n, item in enumerate(items) if item.getparent(pytest.Module) is module]
        told = sorted((items[n] for n in places), key=lambda item: item.location[1] or 0)
        for place, item in zip(places, told, strict=True):
            items[place] = item
