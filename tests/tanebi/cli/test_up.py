from __future__ import annotations

from pathlib import Path

import pytest

import tanebi.up.run
from tanebi.cli.main import run
from tanebi.up.options import UpOptions


def test_the_options_reach_the_composition_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[UpOptions] = []

    def record(options: UpOptions) -> int:
        given.append(options)
        return 7

    monkeypatch.setattr(tanebi.up.run, "run", record)
    code = run(
        [
            "up",
            "--data-dir",
            str(tmp_path),
            "--gateway-port",
            "0",
            "--api-port",
            "1",
            "--host",
            "::1",
        ]
    )
    assert code == 7
    assert given == [UpOptions(data_dir=tmp_path, gateway_port=0, api_port=1, host="::1")]


def test_a_port_has_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "--gateway-port", "70000"]) == 2
    assert "70000" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--tls-cert", __file__],
        ["--tls-cert", __file__, "--tls-key", __file__],
        ["--tls-port", "0", "--tls-key", __file__],
    ],
)
def test_options_of_tls_that_do_not_go_together(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", *words]) == 2
    assert "--tls-port" in capsys.readouterr().err
