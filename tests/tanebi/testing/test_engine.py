"""The mark for tests that need an engine."""

from __future__ import annotations

import pytest

from tanebi.testing.engine import engine_missing


def test_ci_promises_an_engine_and_skips_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("TANEBI_CI", raising=False)
    assert engine_missing().args == (True,)
    monkeypatch.setenv("TANEBI_CI", "1")
    assert engine_missing().args == (False,)
