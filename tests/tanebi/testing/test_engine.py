"""The marks for tests that need an engine."""

from __future__ import annotations

import pytest

from tanebi.testing.engine import docker_missing, engine_missing, without_docker


def test_ci_promises_both_engines_and_skips_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("TANEBI_CI", raising=False)
    assert engine_missing().args == (True,)
    assert docker_missing().args == (True,)
    monkeypatch.setenv("TANEBI_CI", "1")
    assert engine_missing().args == (False,)
    assert docker_missing().args == (False,)


def test_podman_is_found_where_docker_is_not_named() -> None:
    assert without_docker({"DOCKER_HOST": "unix:///x", "PATH": "/bin"}) == {"PATH": "/bin"}
