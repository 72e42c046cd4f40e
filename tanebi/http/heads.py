"""How messages are written as HTTP/1.1: heads, chunks, ends; and which headers of an answer concern the client.

Pure. Hop-by-hop headers go on both ways, and what a Connection header names with them (RFC 9110 §7.6.1); everything else keeps
its order, its case and its bytes. Framing is ours on each side. Callers: tanebi.http.request, tanebi.http.upstream (HTTP/1.1),
and whatever writes another version, for `answer_headers` and `pairs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    FORBIDDEN_IN_TRAILERS,
    HOP_BY_HOP,
    MEANING,
    TRANSFER_ENCODING,
    UPGRADE,
    block,
    end_to_end,
    status_line,
)
from tanebi.http.messages import Headers

ONE_HOP: Final = CONNECTION | HOP_BY_HOP | TRANSFER_ENCODING | UPGRADE

CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request for a pod, before any version's framing."""

    method: bytes
    target: bytes
    host: bytes
    headers: Headers  # end to end only: neither Host nor framing nor anything of one hop
    tail: bytes = b""  # more headers, as lines of HTTP/1.1: they are remembered in this form; `pairs` splits them
    chunked: bool = (
        False  # a body of unknown length follows; else a Content-Length tells it, or there is none
    )
    trailers_wanted: bool = False  # the client said `TE: trailers`
    upgrade: bytes = b""  # the protocols that the client asks to switch to


def pairs(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines that `block` wrote, as pairs again."""
    found = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b": ")
        found.append((name, value))
    return found


def request_head(head: Head) -> bytes:
    """The head for a pod of HTTP/1.1."""
    lines = [n + b": " + v + b"\r\n" for n, v in head.headers]
    return b"".join(
        (
            head.method,
            b" ",
            head.target,
            b" HTTP/1.1\r\nHost: ",
            head.host,
            b"\r\n",
            *lines,
            CHUNKED if head.chunked else b"",
            _this_hop(head),
            head.tail,
            b"\r\n",
        )
    )


def _this_hop(head: Head) -> bytes:
    """What is said to the next hop alone, and the Connection line that says so."""
    if not head.upgrade and not head.trailers_wanted:
        return b""
    named, lines = [], b""
    if head.upgrade:
        named.append(b"Upgrade")
        lines += b"Upgrade: " + head.upgrade + b"\r\n"
    if head.trailers_wanted:
        named.append(b"TE")
        lines += b"TE: trailers\r\n"
    return b"Connection: " + b", ".join(named) + b"\r\n" + lines


def answer_headers(status: int, headers: Headers, seen: int) -> Headers:
    """What of a pod's final head concerns the client, whatever version it speaks."""
    drop = ONE_HOP | CONTENT_LENGTH if status == 204 else ONE_HOP  # RFC 9110 §8.6
    if seen & CONNECTION:
        return end_to_end(headers, drop)
    return [pair for pair in headers if not MEANING[pair[0]] & drop]


def answer_head(status: int, headers: Headers, seen: int, *, chunked: bool, own: bytes) -> bytes:
    """The head for a client of HTTP/1.1. `own` is the Connection line for this client, or empty."""
    kept = answer_headers(status, headers, seen)
    lines = [n + b": " + v + b"\r\n" for n, v in kept]
    return b"".join((status_line(status), *lines, CHUNKED if chunked else b"", own, b"\r\n"))


def passes_unchanged(status: int, seen: int) -> bool:
    """Whether an answer's head may go to a client of HTTP/1.1 as it came."""
    return not seen & ONE_HOP and status != 204


def switching_head(headers: Headers) -> bytes:
    """The 101 for the client."""
    kept = end_to_end(headers, ONE_HOP | CONTENT_LENGTH)
    named = upgrade_value(headers)
    lines = b"Connection: Upgrade\r\nUpgrade: " + named + b"\r\n"
    return b"".join((status_line(101), block(kept), lines, b"\r\n"))


def upgrade_value(headers: Headers) -> bytes:
    """What of `headers` asks for, or grants, an Upgrade, as one value."""
    return b", ".join(value for name, value in headers if MEANING[name] & UPGRADE)


def interim_head(status: int, headers: Headers) -> bytes:
    return status_line(status) + block(end_to_end(headers, ONE_HOP | CONTENT_LENGTH)) + b"\r\n"


def chunk(piece: bytes) -> bytes:
    """One chunk (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def last_chunk(trailers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The end of a chunked body, with `trailers` as `kept_trailers` leaves them."""
    lines = block(kept_trailers(trailers))
    return b"0\r\n" + lines + b"\r\n"


def kept_trailers(trailers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Trailers that would change the message's meaning are left out (RFC 9110 §6.5.1)."""
    return [(n, v) for n, v in trailers if not MEANING[n] & FORBIDDEN_IN_TRAILERS]
