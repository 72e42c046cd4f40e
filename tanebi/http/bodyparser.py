"""A parser that stands behind a head as it would if that head had no Upgrade.

httptools takes a request with Upgrade for one without a body and stops behind its head. Who ignores the Upgrade (RFC 9110
§7.8) must still read the body, or its bytes would pass for the next request. Caller: tanebi.http.server.
"""

from __future__ import annotations

from typing import Any, Protocol

import httptools


class Callbacks(Protocol):
    """httptools' callbacks."""

    def on_url(self, piece: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_headers_complete(self) -> None: ...

    def on_body(self, chunk: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


class _AllButTheHead:
    """What `hearer` hears of a parser that had to be given a head once more."""

    def __init__(self, hearer: Callbacks) -> None:
        self._hearer = hearer
        self._begun = False
        self.on_body = hearer.on_body
        self.on_message_complete = hearer.on_message_complete

    def on_url(self, piece: bytes) -> None:
        if self._begun:
            self._hearer.on_url(piece)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._begun:
            self._hearer.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._begun:
            self._hearer.on_headers_complete()
        self._begun = True


def parser_of_body(hearer: Callbacks, *, chunked: bool, length: int) -> Any:
    """An httptools.HttpRequestParser. `length`: of the body in bytes; meaningless when chunked."""
    parser = httptools.HttpRequestParser(_AllButTheHead(hearer))
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % length
    parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
    return parser
