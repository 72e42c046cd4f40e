"""Inside is who uses the loopback."""

from __future__ import annotations

import pytest

from activator.inside import can_tell, is_inside


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", True),
        ("::", True),
        ("", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("localhost", False),
    ],
)
def test_only_who_listens_everywhere_can_tell(host: str, expected: bool) -> None:
    assert can_tell(host) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_where_clients_inside_connect_to(address: str, expected: bool) -> None:
    assert is_inside(address) is expected
