"""What the platform's own errors look like to a gRPC client: a status in trailers, never an HTTP error.

Pure. Rules: the gRPC protocol over HTTP/2 (Trailers-Only answers) and its table of HTTP statuses, with one difference: our 504 is
a deadline that passed, and is said to be one. Caller: tanebi.http.h2.serverstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tanebi.http.messages import Headers, header

UNKNOWN: Final = 2
STATUS_OF: Final[Mapping[int, int]] = {
    400: 13,  # INTERNAL
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 12,  # UNIMPLEMENTED
    408: 4,  # DEADLINE_EXCEEDED
    413: 8,  # RESOURCE_EXHAUSTED
    429: 14,  # UNAVAILABLE
    431: 8,
    502: 14,
    503: 14,
    504: 4,
}

_GRPC: Final = b"application/grpc"


def is_grpc(headers: Headers) -> bool:
    """By the content type of the request: application/grpc, with a codec or parameters or none."""
    value = header(headers, b"content-type")
    if value is None or not value.startswith(_GRPC):
        return False
    return value[len(_GRPC) :][:1] in (b"", b"+", b";")


def trailers_only(status: int, text: str) -> list[tuple[bytes, bytes]]:
    """The headers of the whole answer, which goes out with HTTP's 200."""
    return [(b"content-type", _GRPC), *status_trailers(status, text)]


def status_trailers(status: int, text: str) -> list[tuple[bytes, bytes]]:
    """The end of an answer whose head is out."""
    return [
        (b"grpc-status", b"%d" % STATUS_OF.get(status, UNKNOWN)),
        (b"grpc-message", percent_encoded(text)),
    ]


def percent_encoded(text: str) -> bytes:
    """Printable ASCII but `%` as it is; every other byte of the UTF-8 as %XX."""
    return b"".join(
        bytes((byte,)) if 32 <= byte < 127 and byte != 37 else b"%%%02X" % byte
        for byte in text.encode()
    )
