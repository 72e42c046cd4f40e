import pytest

from tanebi.up.api import in_url


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("fe80::1", "[fe80::1]"),
        ("box", "box"),
    ],
)
def test_an_address_is_shown_as_one_that_can_be_dialled(host: str, shown: str) -> None:
    assert in_url(host) == shown
