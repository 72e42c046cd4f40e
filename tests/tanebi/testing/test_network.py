"""The mark for tests that make network namespaces."""

from __future__ import annotations

import os

import pytest

from tanebi.testing.network import network_missing


def test_ci_is_root_and_skips_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("TANEBI_CI", raising=False)
    assert network_missing().args == (True,)
    monkeypatch.setenv("TANEBI_CI", "1")
    assert network_missing().args == (False,)
