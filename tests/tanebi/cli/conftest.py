"""One API server for all commands' tests; each test has a namespace of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanebi.base.settings import DataDir
from tests.tanebi.cli.driving import Shell, api_server
from tests.tanebi.cli.entering import Entering


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    home = DataDir(tmp_path_factory.mktemp("cli") / "data")
    with api_server(home, Entering()):
        yield home


@pytest.fixture
def shell(
    served: DataDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    return Shell(served, capsys, monkeypatch)


@pytest.fixture
def ns(shell: Shell, request: pytest.FixtureRequest) -> str:
    """A fresh namespace."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    namespace = f"{name}-{uuid.uuid4().hex[:6]}"
    shell.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    return namespace


@pytest.fixture
def nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell whose data directory has no platform."""
    return Shell(DataDir(tmp_path / "none"), capsys, monkeypatch)
