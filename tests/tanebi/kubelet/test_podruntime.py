"""The values of the pod runtime's seam; its behaviour is in tests/contract/test_pod_runtime.py."""

from __future__ import annotations

from tanebi.kubelet.podruntime import Sandbox, SandboxFailed


def test_a_sandbox_is_a_value() -> None:
    assert Sandbox("127.0.0.1", {80: 20000}) == Sandbox("127.0.0.1", {80: 20000})


def test_a_failed_sandbox_says_what_to_do() -> None:
    failed = SandboxFailed("no-free-port", "no free port", hint="delete pods")
    assert str(failed) == "no free port\ndelete pods"
