"""A daemon of Docker's for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.testing.docker import Dockerd
from tanebi.testing.engine import containers_of, docker_missing


@docker_missing()
def test_a_daemon_that_answers(docker: Dockerd) -> None:
    assert docker.environment["DOCKER_HOST"] == f"unix://{docker.socket}"
    assert containers_of(docker.environment, "tanebi.dev/nothing=x") == []


@docker_missing()
def test_a_daemon_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(AssertionError, match="no Docker"):
        Dockerd(tmp_path).start()
