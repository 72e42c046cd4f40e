"""Sizes of terminals, and the Status that ends a session."""

from __future__ import annotations

import pytest

from tanebi.apiserver.streaming.channels import ended, failed, read_size


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b'{"Width":80,"Height":24}', (80, 24)),
        (b'{"Width":80,"Height":24}\n', (80, 24)),
        (b'{"Width":0,"Height":24}', None),
        (b'{"Width":"80","Height":24}', None),
        (b'{"Width":70000,"Height":24}', None),
        (b"[80,24]", None),
        (b"80x24", None),
    ],
)
def test_size(data: bytes, size: tuple[int, int] | None) -> None:
    assert read_size(data) == size


def test_how_a_command_ended() -> None:
    assert ended(0)["status"] == "Success"
    status = ended(3)
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert failed("no")["code"] == 500
    assert failed("no")["message"] == "Internal error occurred: no"
