"""The heads that leave us: what a proxy changes of what it was given.

Pure. Towards the app: hop-by-hop headers and Knative's routing headers go, X-Forwarded-For grows by the client's address,
X-Forwarded-Proto, X-Forwarded-Host and Forwarded are set when absent, K-Proxy-Request says who forwards. Towards the client:
hop-by-hop headers go. Everything else keeps its order, its case and its bytes. Framing is ours on each side.
Rules: RFC 9110 §7.6, reference/knative-serving.md §1.8 and §2.1. Caller: activator.proxy.
"""

from __future__ import annotations

from typing import Final

from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    FORBIDDEN_IN_TRAILERS,
    FORWARDED,
    HOP_BY_HOP,
    HOST,
    MEANING,
    PLATFORM,
    TRANSFER_ENCODING,
    UPGRADE,
    block,
    end_to_end,
    status_line,
)
from tanebi.http.messages import Headers, header

_TO_APP: Final = HOST | CONNECTION | HOP_BY_HOP | TRANSFER_ENCODING | UPGRADE | PLATFORM
_TO_CLIENT: Final = CONNECTION | HOP_BY_HOP | TRANSFER_ENCODING | UPGRADE

# What makes a head more than the bytes that came and a few lines behind them.
_CHANGED: Final = (_TO_APP | FORWARDED) & ~HOST

CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
PROXY_REQUEST: Final = b"K-Proxy-Request: activator\r\n"
PROTO: Final = b"http"


def request_head(
    method: bytes,
    target: bytes,
    host: bytes,
    headers: Headers,
    seen: int,
    *,
    peer: bytes,
    chunked: bool,
    forwarded: bytes,
    extra: bytes,
) -> bytes:
    """The head for the app. `forwarded` is `forwarded_lines(...)` for a request that brings no such headers itself (callers
    keep it, for it is the same for every request of a connection to one host); `extra` are the route's own lines."""
    if seen & (CONNECTION | FORWARDED):
        headers = end_to_end(headers, _TO_APP)
        if seen & FORWARDED:
            forwarded = forwarded_lines(peer, host, headers)
            headers = [(n, v) for n, v in headers if n.lower() != b"x-forwarded-for"]
    lines = [n + b": " + v + b"\r\n" for n, v in headers if not MEANING[n] & _TO_APP]
    return b"".join(
        (
            method,
            b" ",
            target,
            b" HTTP/1.1\r\nHost: ",
            host,
            b"\r\n",
            *lines,
            CHUNKED if chunked else b"",
            extra,
            forwarded,
            b"\r\n",
        )
    )


def raw_request_head(raw: bytes, seen: int, *, forwarded: bytes, extra: bytes) -> bytes | None:
    """The same head by adding lines to the bytes that came, when nothing of them has to change. None: use request_head."""
    if seen & _CHANGED:
        return None
    return b"".join((raw[:-2], extra, forwarded, b"\r\n"))


def forwarded_lines(peer: bytes, host: bytes, headers: Headers) -> bytes:
    """The X-Forwarded-*, Forwarded and K-Proxy-Request lines beside those `headers` keep (X-Forwarded-For is rewritten)."""
    earlier = [v for n, v in headers if n.lower() == b"x-forwarded-for"]
    chain = b", ".join([*earlier, peer])
    lines = [b"X-Forwarded-For: " + chain]
    proto = header(headers, b"x-forwarded-proto")
    if proto is None:
        proto = PROTO
        lines.append(b"X-Forwarded-Proto: " + proto)
    original = header(headers, b"x-forwarded-host")
    if original is None:
        original = host
        lines.append(b"X-Forwarded-Host: " + host)
    if header(headers, b"forwarded") is None:
        lines.append(b"Forwarded: " + forwarded_value(chain, original, proto))
    return b"\r\n".join(lines) + b"\r\n" + PROXY_REQUEST


def forwarded_value(chain: bytes, host: bytes, proto: bytes) -> bytes:
    """`for=<1st>;host=<host>;proto=<proto>, for=<2nd>, …` (the shim of reference §2.1)."""
    hops = [b"for=" + _node(hop) for part in chain.split(b",") if (hop := part.strip())]
    rest = b";".join(
        name + b"=" + value for name, value in ((b"host", host), (b"proto", proto)) if value
    )
    if not hops:
        return rest
    first = hops[0] + b";" + rest if rest else hops[0]
    return b", ".join([first, *hops[1:]])


def _node(address: bytes) -> bytes:
    """IPv6 addresses stand in brackets and quotes (RFC 7239 §6)."""
    bare = address.strip(b"[]")
    return b'"[' + bare + b']"' if b":" in bare and bare.count(b":") > 1 else address


def passes_unchanged(status: int, seen: int) -> bool:
    """Whether an answer's head may go to the client as it came."""
    return not seen & _TO_CLIENT and status != 204


def answer_head(status: int, headers: Headers, seen: int, *, chunked: bool, own: bytes) -> bytes:
    """The head for the client. `own` is the Connection line for this client, or empty."""
    if seen & CONNECTION:
        headers = end_to_end(headers, _TO_CLIENT)
    drop = _TO_CLIENT | CONTENT_LENGTH if status == 204 else _TO_CLIENT  # RFC 9110 §8.6
    lines = [n + b": " + v + b"\r\n" for n, v in headers if not MEANING[n] & drop]
    return b"".join((status_line(status), *lines, CHUNKED if chunked else b"", own, b"\r\n"))


def upgrade_lines(headers: Headers) -> bytes:
    """What of `headers` asks for, or grants, an Upgrade, for the next hop."""
    named = b", ".join(value for name, value in headers if MEANING[name] & UPGRADE)
    return b"Connection: Upgrade\r\nUpgrade: " + named + b"\r\n"


def switching_head(headers: Headers) -> bytes:
    """The 101 for the client."""
    kept = end_to_end(headers, _TO_CLIENT | CONTENT_LENGTH)
    return b"".join((status_line(101), block(kept), upgrade_lines(headers), b"\r\n"))


def interim_head(status: int, headers: Headers) -> bytes:
    return status_line(status) + block(end_to_end(headers, _TO_CLIENT)) + b"\r\n"


def chunk(piece: bytes) -> bytes:
    """One chunk (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def last_chunk(trailers: Headers) -> bytes:
    """The end of a chunked body. Trailers that would change the message's meaning are left out."""
    if not trailers:
        return b"0\r\n\r\n"
    kept = [(n, v) for n, v in trailers if not MEANING[n] & FORBIDDEN_IN_TRAILERS]
    return b"0\r\n" + block(kept) + b"\r\n"
