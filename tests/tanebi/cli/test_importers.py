from __future__ import annotations

import pytest

from tanebi.cli.main import run


def test_the_built_in_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["importers"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["NAME", "KIND", "EMITS", "DISTRIBUTION", "VERSION"]
    ping = next(row for row in rows if row[0] == "ping")
    assert ping[1:4] == ["PingSource", "(sources.knative.dev/v1)", "dev.knative.sources.ping"]


def test_an_unknown_name_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANEBI_IMPORTERS", "pong")
    assert run(["importers"]) == 1
    assert "TANEBI_IMPORTERS names 'pong'" in capsys.readouterr().err
