"""What can go wrong between us and another HTTP program.

PeerError
└── HttpError
    ├── CapacityTimeout    no capacity came free within the wait (nothing was sent)
    ├── ConnectFailed      no connection (nothing was sent)
    ├── ExchangeTimeout    the peer did not finish its answer in time
    ├── NotProcessed       the peer said that it has not looked at the request (HTTP/2)
    ├── PeerReset          the connection ended before the answer did
    │   └── StaleConnection    a kept one, before it said anything: likely it was closed before the request came
    ├── ResponseTooLarge   the answer exceeds the caller's limit
    └── BadResponse        the answer is not HTTP
"""

from __future__ import annotations

from tanebi.base.errors import PeerError


class HttpError(PeerError):
    """Base of the family; `sent` tells whether the request may have reached the peer."""

    sent = True


class CapacityTimeout(HttpError):
    sent = False


class ConnectFailed(HttpError):
    sent = False


class ExchangeTimeout(HttpError):
    pass


class NotProcessed(HttpError):
    """Refused streams, and those above the last one that a GOAWAY names: anybody may send them again."""

    sent = False


class PeerReset(HttpError):
    pass


class StaleConnection(PeerReset):
    """Who may send twice sends again at once: peers close idle connections, and that is no failure of theirs."""


class ResponseTooLarge(HttpError):
    pass


class BadResponse(HttpError):
    pass
