"""The platform's errors as gRPC statuses."""

from __future__ import annotations

import pytest

from tanebi.http.grpc import is_grpc, percent_encoded, trailers_only


@pytest.mark.parametrize(
    ("value", "yes"),
    [
        (b"application/grpc", True),
        (b"application/grpc+proto", True),
        (b"application/grpc;charset=utf-8", True),
        (b"application/grpc-web", False),
        (b"application/json", False),
        (None, False),
    ],
)
def test_who_speaks_grpc(value: bytes | None, yes: bool) -> None:
    headers = [(b"Content-Type", value)] if value is not None else []
    assert is_grpc(headers) is yes


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, b"12"), (502, b"14"), (503, b"14"), (504, b"4"), (431, b"8"), (418, b"2")],
)
def test_statuses(status: int, code: bytes) -> None:
    found = dict(trailers_only(status, "why"))
    assert found[b"grpc-status"] == code
    assert found[b"grpc-message"] == b"why"


def test_messages_are_percent_encoded() -> None:
    assert percent_encoded("a b%\n") == b"a b%25%0A"
    assert percent_encoded("ü") == b"%C3%BC"
