"""Whole messages, for what is small and answered inside the process (broker ingress, probes, deliveries).

Proxied bodies never take this form: they stream (tanebi.http.exchange). Header names keep their case and order; compare them
in lower case. Limits are stated by whoever accepts a message, and the engine enforces them before the message exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, body included. `target` is path and query as sent; `host` is lower case, without a port."""

    method: str
    host: str
    target: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer, body included. Content-Length and Date are the engine's business."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class HttpHandler(Protocol):
    """Answers requests inside the process. Raising is a bug: the client gets 500 and the log the traceback."""

    @property
    def body_max(self) -> int:
        """Bytes; a larger body is refused with 413 before the handler is called."""

    async def handle(self, request: HttpRequest) -> HttpResponse: ...


class Sender(Protocol):
    """Sends one request to a URL, wherever it leads: a service here (capacity is asked for first), a broker here
    (answered in the process), or any other address."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        """`wait_s` bounds the wait for capacity (queued sends are scaling demand), `timeout_s` the exchange itself.

        Raises tanebi.http.errors: CapacityTimeout, ConnectFailed, ExchangeTimeout, ResponseTooLarge, BadResponse.
        """


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first value of `name` (given in lower case), or None."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None
