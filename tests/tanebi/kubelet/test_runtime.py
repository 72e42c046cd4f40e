"""The seam: what any runtime must give. The suite of a runtime's behaviour is test_process.py."""

from __future__ import annotations

from pathlib import Path

from tanebi.base.clock import SystemClock
from tanebi.base.errors import TanebiError
from tanebi.kubelet.process import Child, ProcessRuntime
from tanebi.kubelet.runtime import Exit, Launch, Running, Runtime, StartFailed


def runtime_of(folder: Path) -> Runtime:
    """Type checked: the process runtime is a Runtime, its child a Running."""
    return ProcessRuntime(folder, clock=SystemClock())


def running_of(child: Child) -> Running:
    return child


def test_values() -> None:
    launch = Launch("u", "c", 0, ("true",), {}, Path("/"), Path("/log"))
    assert launch == Launch("u", "c", 0, ("true",), {}, Path("/"), Path("/log"))
    assert Exit(3) == Exit(3, 0)
    failed = StartFailed("RunContainerError", "no such program")
    assert isinstance(failed, TanebiError)
    assert failed.code == "RunContainerError"
