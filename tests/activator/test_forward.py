"""What a proxy changes of a head, and what it leaves alone."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator import forward as f
from tanebi.http.headers import MEANING, UPGRADING
from tanebi.http.heads import Head, request_head
from tanebi.http.sides import ClientStream


def seen(headers: list[tuple[bytes, bytes]]) -> int:
    bits = 0
    for name, _ in headers:
        bits |= MEANING[name]
    return bits


class Asked:
    """As much of a ClientStream as a head needs; a ClientConnection too."""

    method, target, host, chunked = b"GET", b"/x", b"h", False
    peer, scheme = "10.1.1.1", b"http"

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.headers, self.seen, self.connection = headers, seen(headers), self


LINES = f.forwarded_lines(b"10.1.1.1", b"h", (), scheme=b"http")


def made(headers: list[tuple[bytes, bytes]], *, extra: bytes = b"", **change: Any) -> Head:
    asked = Asked(headers)
    for name, value in change.items():
        setattr(asked, name, value)
    return f.head_for_app(cast(ClientStream, asked), b"h", forwarded=LINES, extra=extra)


def head(headers: list[tuple[bytes, bytes]], **change: Any) -> bytes:
    return request_head(made(headers, **change))


def test_a_plain_head() -> None:
    assert head([(b"Host", b"h"), (b"aCCept", b"*/*")]) == (
        b"GET /x HTTP/1.1\r\nHost: h\r\naCCept: */*\r\n"
        b"X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
        b"Forwarded: for=10.1.1.1;host=h;proto=http\r\nK-Proxy-Request: activator\r\n\r\n"
    )


def test_the_raw_form_says_the_same() -> None:
    raw = b"GET /x HTTP/1.1\r\nHost: h\r\naCCept: */*\r\n\r\n"
    headers = [(b"Host", b"h"), (b"aCCept", b"*/*")]
    assert f.raw_head_for_app(raw, forwarded=LINES) == head(headers)


@pytest.mark.parametrize(
    "name", [b"Connection", b"TE", b"X-Forwarded-For", b"Upgrade", b"K-Proxy-Request"]
)
def test_the_raw_form_is_not_for_heads_that_change(name: bytes) -> None:
    assert MEANING[name] & f.CHANGED


def test_chunked_and_the_routes_own_lines() -> None:
    out = head([(b"Transfer-Encoding", b"chunked")], chunked=True, extra=b"X-R: 1\r\n")
    assert out.count(b"Transfer-Encoding: chunked\r\n") == 1
    assert b"\r\nX-R: 1\r\n" in out


# reference/knative-serving.md §2.1 and upstream's forwarded_shim_test.go
@pytest.mark.parametrize(
    ("chain", "host", "proto", "expected"),
    [
        (b"127.0.0.1", b"", b"", b"for=127.0.0.1"),
        (b"127.0.0.1, ::1", b"", b"", b'for=127.0.0.1, for="[::1]"'),
        (b"127.0.0.1", b"h", b"https", b"for=127.0.0.1;host=h;proto=https"),
        (b"a, b", b"h", b"http", b"for=a;host=h;proto=http, for=b"),
        (b"", b"h", b"http", b"host=h;proto=http"),
        (b"2001:db8::1", b"", b"http", b'for="[2001:db8::1]";proto=http'),
        (b"[2001:db8::1]", b"", b"", b'for="[2001:db8::1]"'),
        (b"1.2.3.4:80", b"h:8080", b"http", b'for="1.2.3.4:80";host="h:8080";proto=http'),
        (b"a", b'x"y\\', b"http", b'for=a;host="x\\"y\\\\";proto=http'),
    ],
)
def test_forwarded(chain: bytes, host: bytes, proto: bytes, expected: bytes) -> None:
    assert f.forwarded_value(chain, host, proto) == expected


def test_a_forwarded_header_of_the_client_is_believed() -> None:
    out = head([(b"Host", b"h"), (b"Forwarded", b"for=x")])
    assert out.count(b"Forwarded: for=x\r\n") == 1
    assert b"for=10.1.1.1" not in out


@given(
    st.lists(st.tuples(st.sampled_from([b"A", b"b-B", b"X-x"]), st.binary(max_size=3)), max_size=6)
)
def test_user_headers_keep_order_case_and_bytes(fields: list[tuple[bytes, bytes]]) -> None:
    fields = [(n, v.replace(b"\r", b"").replace(b"\n", b"")) for n, v in fields]
    lines = head([(b"Host", b"h"), *fields]).split(b"\r\n")
    assert lines[2 : 2 + len(fields)] == [n + b": " + v for n, v in fields]


def test_te_and_upgrade_are_for_this_hop_and_said_so() -> None:
    assert made([(b"TE", b"gzip;q=1, Trailers")]).trailers_wanted
    assert not made([(b"TE", b"gzip")]).trailers_wanted
    headers = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"TE", b"trailers")]
    out = head(headers, seen=seen(headers) | UPGRADING)
    assert b"\r\nConnection: Upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n" in out
    assert b"Upgrade" not in head(headers)


def test_what_connection_names_goes_even_among_the_forwarded_headers() -> None:
    out = head(
        [
            (b"Connection", b"X-Forwarded-Proto, x-secret"),
            (b"X-Forwarded-Proto", b"gopher"),
            (b"X-Secret", b"1"),
        ]
    )
    assert b"gopher" not in out
    assert b"ecret" not in out
    assert b"\r\nX-Forwarded-Proto: http\r\n" in out


def test_the_scheme_is_the_connections() -> None:
    assert b"X-Forwarded-Proto: https\r\n" in f.forwarded_lines(
        b"1.2.3.4", b"h", (), scheme=b"https"
    )


def test_the_routes_lines_stand_in_place_of_the_clients() -> None:
    asked = [(b"x-r", b"bogus"), (b"X-S", b"kept")]
    out = head(asked, extra=b"X-R: 1\r\n")
    assert b"bogus" not in out
    assert b"X-R: 1\r\n" in out
    assert b"X-S: kept\r\n" in out
