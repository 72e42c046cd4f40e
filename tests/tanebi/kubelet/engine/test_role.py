"""The engine runtime put together, without an engine."""

from __future__ import annotations

import resource
from pathlib import Path

from tanebi.kubelet.engine.role import limits, platform_name


def test_limits_never_exceed_ours() -> None:
    found = limits()
    for value, limit in (
        (found.open_files, resource.RLIMIT_NOFILE),
        (found.processes, resource.RLIMIT_NPROC),
    ):
        hard = resource.getrlimit(limit)[1]
        assert value > 0
        assert hard == resource.RLIM_INFINITY or value <= hard


def test_platforms_are_told_apart_by_their_folders() -> None:
    assert platform_name(Path("/a/pods")) == platform_name(Path("/a/pods"))
    assert platform_name(Path("/a/pods")) != platform_name(Path("/b/pods"))
    assert "pods" not in platform_name(Path("/a/pods"))
