"""What a request becomes on its way to the app, as Knative's data plane does it.

Pure. Hop-by-hop headers and Knative's routing headers go, X-Forwarded-For grows by the client's address, X-Forwarded-Proto,
X-Forwarded-Host and Forwarded are set when absent, K-Proxy-Request says who forwards. Everything else keeps its order, its case
and its bytes. Rules: RFC 9110 §7.6, reference/knative-serving.md §1.8 and §2.1. Caller: activator.proxy.
"""

from __future__ import annotations

import re
from typing import Final

from tanebi.api.meta import Key
from tanebi.http.headers import (
    CONNECTION,
    FORWARDED,
    HOST,
    MEANING,
    PLATFORM,
    TE,
    UPGRADING,
    block,
    end_to_end,
    tokens,
)
from tanebi.http.heads import ONE_HOP, Head, upgrade_value
from tanebi.http.messages import Headers, header
from tanebi.http.sides import ClientStream

_TO_APP: Final = HOST | ONE_HOP | PLATFORM

# What makes a head more than the bytes that came and a few lines behind them.
CHANGED: Final = (_TO_APP | FORWARDED) & ~HOST

_TOKEN: Final = re.compile(rb"[0-9A-Za-z!#$%&'*+.^_`|~-]+")

PROXY_REQUEST: Final = b"K-Proxy-Request: activator\r\n"


def head_for_app(
    request: ClientStream, host: bytes, *, forwarded: bytes, extra: bytes, trace: bytes = b""
) -> Head:
    """The head for the app. `host`: what stands in Host. `forwarded` is `forwarded_lines(...)` for a request that brings no such
    headers itself (callers keep it, for it is the same for every request of a connection to one host); `extra` are the route's
    own lines, which stand in place of the client's of the same names; `trace` is the line that begins a trace."""
    seen, headers = request.seen, request.headers
    if seen & CONNECTION:
        kept = end_to_end(headers, _TO_APP)
    else:
        kept = [pair for pair in headers if not MEANING[pair[0]] & _TO_APP]
    if extra:
        own = names_of(extra)
        kept = [(n, v) for n, v in kept if n.lower() not in own]
    if seen & FORWARDED:
        connection = request.connection
        forwarded = forwarded_lines(
            connection.peer.encode(), request.host, kept, scheme=connection.scheme
        )
        kept = [(n, v) for n, v in kept if n.lower() != b"x-forwarded-for"]
    return Head(
        request.method,
        request.target,
        host,
        kept,
        extra + forwarded + trace,
        chunked=request.chunked,
        trailers_wanted=bool(seen & TE) and wants_trailers(headers),
        upgrade=upgrade_value(headers) if seen & UPGRADING else b"",
    )


def raw_head_for_app(raw: bytes, *, forwarded: bytes, trace: bytes = b"") -> bytes:
    """The same head by adding lines to the bytes that came, when nothing CHANGED occurs in them and the route has no lines."""
    return b"".join((raw[:-2], forwarded, trace, b"\r\n"))


def names_of(lines: bytes) -> frozenset[bytes]:
    """In lower case."""
    return frozenset(line.partition(b":")[0].lower() for line in lines.split(b"\r\n") if line)


def wants_trailers(headers: Headers) -> bool:
    """Whether TE says that trailers are understood; it is the only member that may be passed on."""
    return any(
        value == b"trailers" or b"trailers" in tokens(value)
        for name, value in headers
        if MEANING[name] & TE
    )


def peer_headers(revision: Key, headers: Headers) -> Headers:
    """What tells the next activator which revision is meant, and how many have handed the request on."""
    return (
        (b"Knative-Serving-Namespace", revision.namespace.encode()),
        (b"Knative-Serving-Revision", revision.name.encode()),
        (b"Tanebi-Hops", b"%d" % (hops_of(headers) + 1)),
    )


def peer_lines(revision: Key, headers: Headers) -> bytes:
    return block(peer_headers(revision, headers))


def hops_of(headers: Headers) -> int:
    """How many activators have handed a request on. What is no small number is none of ours."""
    value = header(headers, b"tanebi-hops") or b""
    return int(value) if len(value) == 1 and value.isdigit() else 0


def forwarded_lines(peer: bytes, host: bytes, headers: Headers, *, scheme: bytes) -> bytes:
    """The X-Forwarded-*, Forwarded and K-Proxy-Request lines beside those `headers` keep (X-Forwarded-For is rewritten)."""
    earlier = [v for n, v in headers if n.lower() == b"x-forwarded-for"]
    chain = b", ".join([*earlier, peer])
    lines = [b"X-Forwarded-For: " + chain]
    proto = header(headers, b"x-forwarded-proto")
    if proto is None:
        proto = scheme
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
        name + b"=" + _value(value) for name, value in ((b"host", host), (b"proto", proto)) if value
    )
    if not hops:
        return rest
    first = hops[0] + b";" + rest if rest else hops[0]
    return b", ".join([first, *hops[1:]])


def _node(address: bytes) -> bytes:
    """IPv6 addresses stand in brackets and quotes (RFC 7239 §6)."""
    bare = address.strip(b"[]")
    return _value(b"[" + bare + b"]" if bare.count(b":") > 1 else address)


def _value(text: bytes) -> bytes:
    """What is no token, as a name with its port is none, stands in quotes (RFC 7239 §4)."""
    if _TOKEN.fullmatch(text):
        return text
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
