"""What header names mean to a proxy, and how heads are written.

Pure. A name is classified once and remembered, because names repeat and lower-casing each one on each request is what costs.
Callers: tanebi.http.server, tanebi.http.upstream, activator.proxy.
Rules: RFC 9110 §7.6.1 (hop by hop), RFC 9112 §6 (framing), reference/knative-serving.md §1.8 and §2.1 (Knative's own headers).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from tanebi.http.messages import Headers

# Bits of a name's meaning.
HOST: Final = 1
CONTENT_LENGTH: Final = 2
TRANSFER_ENCODING: Final = 4
CONNECTION: Final = 8
HOP_BY_HOP: Final = 16  # beside Connection and Transfer-Encoding: meant for the next hop only
EXPECT: Final = 32
FORWARDED: Final = 64  # Forwarded and X-Forwarded-*: the proxy extends them
PLATFORM: Final = 128  # routing headers and questions to the platform: never shown to the app
UPGRADE: Final = 256
PROBE: Final = 512  # K-Network-Probe
USER_AGENT: Final = 1024
KUBE_PROBE: Final = 2048  # not a name: set for a User-Agent that begins with kube-probe/
UPGRADING: Final = 4096  # not a name: set for a request whose Upgrade may be granted
TE: Final = 8192
KNATIVE_PROBE: Final = 32768  # not a name: set for a User-Agent of Knative's own probers
TRACEPARENT: Final = 65536
SERVER_TIMING: Final = 131072  # Tanebi-Server-Timing: the client asks where the time went
KEEP_ALIVE: Final = (
    16384  # not a name: set instead of CONNECTION when keep-alive is all that it says
)

MEANINGS: Final[Mapping[bytes, int]] = {
    b"host": HOST,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"keep-alive": HOP_BY_HOP,
    b"proxy-connection": HOP_BY_HOP,
    b"proxy-authenticate": HOP_BY_HOP,
    b"proxy-authorization": HOP_BY_HOP,
    b"te": HOP_BY_HOP | TE,
    b"upgrade": UPGRADE,
    b"http2-settings": HOP_BY_HOP,
    b"expect": EXPECT,
    b"forwarded": FORWARDED,
    b"x-forwarded-for": FORWARDED,
    b"x-forwarded-proto": FORWARDED,
    b"x-forwarded-host": FORWARDED,
    b"knative-serving-revision": PLATFORM,
    b"knative-serving-namespace": PLATFORM,
    b"k-proxy-request": PLATFORM,
    b"k-original-host": PLATFORM,
    b"tanebi-server-timing": PLATFORM | SERVER_TIMING,
    b"traceparent": TRACEPARENT,
    b"tanebi-hops": PLATFORM,
    b"k-network-hash": PLATFORM,
    b"k-network-probe": PROBE,
    b"user-agent": USER_AGENT,
}

# A trailer may not change how the message is framed or routed (RFC 9110 §6.5.1).
FORBIDDEN_IN_TRAILERS: Final = HOST | CONTENT_LENGTH | TRANSFER_ENCODING | CONNECTION | HOP_BY_HOP

NAMES_REMEMBERED_MAX: Final = 4096


class _Remembered(dict[bytes, int]):
    """Meaning by exact spelling. A miss costs a lower-casing once; strange names beyond the bound cost it each time."""

    def __missing__(self, name: bytes) -> int:
        meaning = MEANINGS.get(name.lower(), 0)
        if len(self) < NAMES_REMEMBERED_MAX:
            self[name] = meaning
        return meaning


MEANING: Final[dict[bytes, int]] = _Remembered()


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list."""
    return [part for item in value.lower().split(b",") if (part := item.strip())]


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Lower-case names that Connection headers declare hop by hop."""
    named = [t for name, value in headers if MEANING[name] & CONNECTION for t in tokens(value)]
    return frozenset(named) - {b"close", b"keep-alive"}


def upgrade_tokens(headers: Headers) -> list[bytes]:
    """The protocols that the Upgrade headers name, lower-case."""
    return [t for name, value in headers if MEANING[name] & UPGRADE for t in tokens(value)]


def asks_upgrade(headers: Headers) -> bool:
    """Whether a request's Upgrade may be granted: Connection names it too (RFC 9110 §7.8), and it is not h2c, for a tunnel that
    speaks HTTP would carry requests past the routes (RFC 9113 has withdrawn that upgrade)."""
    named = upgrade_tokens(headers)
    return bool(named) and b"h2c" not in named and b"upgrade" in named_by_connection(headers)


def grants_upgrade(answer: Headers, request: Headers) -> bool:
    """Whether the head of a 101 names protocols that the request asked for, and nothing else (RFC 9110 §15.2.2)."""
    named = upgrade_tokens(answer)
    asked = upgrade_tokens(request)
    return (
        bool(named)
        and b"upgrade" in named_by_connection(answer)
        and all(name in asked for name in named)
    )


def end_to_end(headers: Headers, drop: int) -> list[tuple[bytes, bytes]]:
    """`headers` without those whose meaning is in `drop` and those that a Connection header names."""
    named = named_by_connection(headers)
    return [
        (name, value)
        for name, value in headers
        if not MEANING[name] & drop and not (named and name.lower() in named)
    ]


def block(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The lines of `headers`, each ended, without the empty line after the last."""
    return b"".join([name + b": " + value + b"\r\n" for name, value in headers])


def status_line(status: int) -> bytes:
    """`HTTP/1.1 200 OK`, ended. Reason phrases are the registered ones."""
    found = STATUS_LINES.get(status)
    return found if found is not None else b"HTTP/1.1 %d Status\r\n" % status


STATUS_LINES: Final[Mapping[int, bytes]] = {
    s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus
}


def bodiless(status: int) -> bool:
    """Answers that never have a body, whatever their headers say (RFC 9112 §6.3)."""
    return status < 200 or status in (204, 304)


HOST_FORM: Final = re.compile(rb"(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{0,5}))?")


def is_host(value: bytes) -> bool:
    """Whether `value` may stand in Host: a name or an address, perhaps with a port (RFC 9110 §4.2, §7.2). Userinfo may not, nor
    may what no name contains and another reader could take for a separator."""
    found = HOST_FORM.fullmatch(value)
    return found is not None and int(found[1] or 0) <= 65535


def says_keep_alive(value: bytes) -> bool:
    """Whether keep-alive is all that a Connection header says."""
    return value == b"keep-alive" or value.lower() == b"keep-alive"


def normal_host(host: bytes) -> str:
    """Lower case, without port and without a final dot. IPv6 literals keep their brackets."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].rstrip(".")


def split_target(target: bytes) -> tuple[bytes | None, bytes]:
    """Authority and origin-form of a request target. The authority is None unless the target is absolute (RFC 9112 §3.2.2); it is
    as it was sent, so look whether it `is_host`."""
    if target.startswith(b"/") or target == b"*":
        return None, target
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return None, target
    cut = min((i for i in (rest.find(b"/"), rest.find(b"?")) if i >= 0), default=len(rest))
    authority, path = rest[:cut], rest[cut:]
    return authority, path if path.startswith(b"/") else b"/" + path
