"""Heads that come again: what one connection says twice need not be parsed twice.

A client mostly repeats its headers and an app its answers, byte for byte, so after a plain message the next read is compared
with it first. Only what was parsed and found plain is known, only a read that is one whole message is compared, and the parser
is then exactly between two messages; so a match means the same thing as parsing, and a mismatch costs one comparison. A
connection that keeps changing its heads is not asked any more after MISSES_MAX misses in a row. Pure. Callers:
tanebi.http.connection, tanebi.http.upstream.
"""

from __future__ import annotations

import re
from typing import Final

from tanebi.http.messages import Headers

MISSES_MAX: Final = 8

# Methods without a body, and targets that no reader reads differently.
_START: Final = re.compile(
    rb"(GET|HEAD|OPTIONS|DELETE) (/[A-Za-z0-9/._~%?=&+,:;@!$'()*-]{0,4096})(?= HTTP/1\.1\r\n)"
)


class KnownRequest:
    """The last plain request of a client, but for its method and target."""

    __slots__ = ("headers", "host", "seen", "tail")

    def __init__(
        self, tail: bytes, headers: list[tuple[bytes, bytes]], host: bytes, seen: int
    ) -> None:
        self.tail = tail  # from the blank before the version to the empty line
        self.headers = headers
        self.host = host
        self.seen = seen

    def again(self, data: bytes) -> re.Match[bytes] | None:
        """Method and target, when `data` is one more request with the same headers."""
        tail = self.tail
        if not data.endswith(tail):
            return None
        found = _START.match(data)
        return found if found is not None and found.end() == len(data) - len(tail) else None


class KnownAnswer:
    """The last answer of an app, but for its body."""

    __slots__ = ("headers", "raw", "seen", "size", "status")

    def __init__(
        self, raw: bytes, status: int, headers: list[tuple[bytes, bytes]], seen: int, length: int
    ) -> None:
        self.raw = raw
        self.status = status
        self.headers = headers
        self.seen = seen
        self.size = len(raw) + length  # of head and body

    def again(self, data: bytes) -> bool:
        """Whether `data` is one more answer with the same head, whole."""
        return len(data) == self.size and data.startswith(self.raw)


def length_of(headers: Headers) -> int:
    """The Content-Length among `headers`, which has been checked; -1: none."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == b"content-length":
            return int(value)
    return -1
