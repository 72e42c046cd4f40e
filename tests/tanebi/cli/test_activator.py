from __future__ import annotations

from pathlib import Path

import pytest

import tanebi.up.activator
from tanebi.cli.main import run
from tanebi.up.options import ActivatorOptions, command


def test_the_command_line_of_a_child_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ActivatorOptions] = []
    monkeypatch.setattr(tanebi.up.activator, "run", lambda options: given.append(options) or 0)
    asked = ActivatorOptions(
        "activator-1",
        ("127.0.0.1", 4000),
        Path("token"),
        Path("kubeconfig"),
        host="127.0.0.1",
        port=8080,
        listen_fd=7,
        gate_fd=8,
    )
    assert run(command(asked)[3:]) == 0
    (found,) = given
    assert found.parent is not None
    assert [getattr(found, f) for f in asked.__slots__ if f != "parent"] == [
        getattr(asked, f) for f in asked.__slots__ if f != "parent"
    ]


@pytest.mark.parametrize("where", ["nowhere", "host:", "host:0", "host:99999"])
def test_where_the_control_process_is_must_be_told_whole(
    where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["activator", "--control", where, "--token-file", "t"]) == 2
    assert "HOST:PORT" in capsys.readouterr().err
