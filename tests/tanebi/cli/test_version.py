from __future__ import annotations

import pytest

import tanebi
from tanebi.cli.main import run


def test_it_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"tanebi {tanebi.__version__} (Python 3.")
