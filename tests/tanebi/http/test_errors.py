"""Which failures may have reached the peer."""

from __future__ import annotations

import pytest

from tanebi.base.errors import PeerError
from tanebi.http import errors


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (errors.CapacityTimeout, False),
        (errors.ConnectFailed, False),
        (errors.ExchangeTimeout, True),
        (errors.PeerReset, True),
        (errors.ResponseTooLarge, True),
        (errors.BadResponse, True),
    ],
)
def test_sent(kind: type[errors.HttpError], sent: bool) -> None:
    error = kind("code", "message")
    assert isinstance(error, PeerError)
    assert error.sent is sent
