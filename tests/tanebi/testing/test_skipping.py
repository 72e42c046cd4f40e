"""The marks for tests that need what a machine may not have."""

from __future__ import annotations

import pytest

from tanebi.testing.skipping import kubectl_missing, skipped_but_in_ci


def test_what_is_missing_is_skipped_but_not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANEBI_CI", raising=False)
    assert skipped_but_in_ci(True, "why").args == (True,)
    assert skipped_but_in_ci(True, "why").kwargs == {"reason": "why"}
    assert skipped_but_in_ci(False, "why").args == (False,)
    monkeypatch.setenv("TANEBI_CI", "1")
    assert skipped_but_in_ci(True, "why").args == (False,)


def test_kubectl_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANEBI_CI", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert kubectl_missing().args == (True,)
    monkeypatch.setenv("TANEBI_CI", "1")
    assert kubectl_missing().args == (False,)
