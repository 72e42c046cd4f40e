from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.cli.generate import files
from tanebi.cli.main import run


def test_what_is_written_is_fresh_and_what_is_changed_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").touch()
    root = ["--root", str(tmp_path)]
    assert run(["generate", "--check", *root]) == 1
    assert run(["generate", *root]) == 0
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")} >= set(files())
    assert run(["generate", "--check", *root]) == 0
    (tmp_path / "docs/reference/cli.md").write_text("mine")
    (tmp_path / "config/crds/old.yaml").write_text("gone")
    capsys.readouterr()
    assert run(["generate", "--check", *root]) == 1
    assert capsys.readouterr().err == "stale: docs/reference/cli.md\nstale: config/crds/old.yaml\n"
    assert run(["generate", *root]) == 0
    assert not (tmp_path / "config/crds/old.yaml").exists()
    assert run(["generate", *root]) == 0
    assert "everything is fresh" in capsys.readouterr().out


def test_only_a_checkout_is_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "--root", str(tmp_path)]) == 1
    assert "is not a checkout" in capsys.readouterr().err
