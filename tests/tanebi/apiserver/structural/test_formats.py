"""String formats."""

from __future__ import annotations

import pytest

from tanebi.apiserver.structural.formats import fits


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date-time", "2026-01-02T03:04:05Z", "yesterday"),
        ("date", "2026-01-02", "20260102"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "x"),
        ("ipv4", "10.0.0.1", "10.0.0"),
        ("ipv6", "::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "00:11:22:33:44:55", "00:11"),
        ("email", "a@example.com", "a"),
        ("hostname", "a.example.com", "-a"),
        ("uri", "http://example.com/x", "x y"),
        ("byte", "aGk=", "*"),
        ("duration", "1h30m", "1 hour ago"),
        ("hexcolor", "#fff", "white"),
        ("k8s-short-name", "a-b", "A"),
        ("k8s-long-name", "a.b", "a..b"),
        ("nobody-knows", "anything", None),
    ],
)
def test_formats(format_: str, good: str, bad: str | None) -> None:
    assert fits(format_, good)
    if bad is not None:
        assert not fits(format_, bad)
