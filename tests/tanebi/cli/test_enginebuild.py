from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.base.errors import UserError
from tanebi.base.settings import DataDir
from tanebi.cli.enginebuild import build_in_engine, is_for_engine


def test_which_directories_are_built_in_the_engine(tmp_path: Path) -> None:
    assert not is_for_engine(tmp_path)
    (tmp_path / "Dockerfile").touch()
    assert is_for_engine(tmp_path)


def test_without_an_engine_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (tmp_path / "Dockerfile").touch()
    with pytest.raises(UserError) as failed:
        build_in_engine(DataDir(tmp_path / "data"), tmp_path, "dev.local/x")
    assert failed.value.code == "engine-missing"
    assert "Dockerfile" in failed.value.message
    assert "podman" in failed.value.hint
