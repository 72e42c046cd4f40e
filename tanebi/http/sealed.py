"""Headers that are written once and sent many times, and requests made of them.

An event goes to each of its triggers with the same headers: `Sealed` keeps their lines beside them, checked. Pure.
Callers: eventing.events (seals), tanebi.http.client (sends).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tanebi.http.headers import CONNECTION, CONTENT_LENGTH, HOST, MEANING, TRANSFER_ENCODING
from tanebi.http.messages import Headers

# Ours to say, whatever a caller's headers say: how the request is framed, and where it goes.
FRAMING: Final = HOST | CONTENT_LENGTH | TRANSFER_ENCODING | CONNECTION
_BODY_NOT_EXPECTED: Final = frozenset(("GET", "HEAD", "OPTIONS", "DELETE", "TRACE"))


class Sealed(tuple[tuple[bytes, bytes], ...]):
    """Headers with their `lines` as sent, without those of FRAMING, and the `host` that a Host among them names (b"": none)."""

    lines: bytes
    host: bytes

    def joined(self, more: Sealed) -> Sealed:
        """Both, in this order; the first Host wins."""
        both = Sealed((*self, *more))
        both.lines = self.lines + more.lines
        both.host = self.host or more.host
        return both


def seal(headers: Iterable[tuple[bytes, bytes]]) -> Sealed:
    """Write the lines of `headers`. Raises ValueError when one contains a line break."""
    sealed = Sealed(headers)
    lines: list[bytes] = []
    sealed.host = b""
    for name, value in sealed:
        meaning = MEANING[name]
        if not meaning & FRAMING:
            lines.append(name + b": " + value + b"\r\n")
        elif meaning & HOST and not sealed.host:
            sealed.host = value
    sealed.lines = text = b"".join(lines)
    if text.count(b"\n") != len(lines) or text.count(b"\r") != len(lines) or b"\0" in text:
        raise ValueError("a header contains a line break")
    return sealed


def request_bytes(method: str, host: bytes, target: bytes, headers: Headers, body: bytes) -> bytes:
    """The request as sent. Host, framing and Connection are ours; a Host among `headers` wins over the URL's.

    Raises ValueError when a header contains a line break.
    """
    sealed = headers if isinstance(headers, Sealed) else seal(headers)
    framing = b""
    if body or method not in _BODY_NOT_EXPECTED:
        framing = b"Content-Length: %d\r\n" % len(body)
    start = b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (
        method.encode("ascii"),
        target,
        sealed.host or host,
    )
    return b"".join((start, sealed.lines, framing, b"\r\n", body))
