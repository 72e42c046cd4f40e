"""What a proxy changes of a head, and what it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator import forward as f
from tanebi.http.headers import MEANING


def seen(headers: list[tuple[bytes, bytes]]) -> int:
    bits = 0
    for name, _ in headers:
        bits |= MEANING[name]
    return bits


def head(headers: list[tuple[bytes, bytes]], **change: object) -> bytes:
    given_args = {
        "peer": b"10.1.1.1",
        "chunked": False,
        "forwarded": f.forwarded_lines(b"10.1.1.1", b"h", ()),
        "extra": b"",
    } | change
    return f.request_head(b"GET", b"/x", b"h", headers, seen(headers), **given_args)  # type: ignore[arg-type]


def test_a_plain_head() -> None:
    assert head([(b"Host", b"h"), (b"aCCept", b"*/*")]) == (
        b"GET /x HTTP/1.1\r\nHost: h\r\naCCept: */*\r\n"
        b"X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
        b"Forwarded: for=10.1.1.1;host=h;proto=http\r\nK-Proxy-Request: activator\r\n\r\n"
    )


def test_the_raw_form_says_the_same() -> None:
    raw = b"GET /x HTTP/1.1\r\nHost: h\r\naCCept: */*\r\n\r\n"
    headers = [(b"Host", b"h"), (b"aCCept", b"*/*")]
    lines = f.forwarded_lines(b"10.1.1.1", b"h", ())
    assert f.raw_request_head(raw, seen(headers), forwarded=lines, extra=b"") == head(headers)


@pytest.mark.parametrize(
    "name", [b"Connection", b"TE", b"X-Forwarded-For", b"Upgrade", b"K-Proxy-Request"]
)
def test_the_raw_form_is_not_for_heads_that_change(name: bytes) -> None:
    assert f.raw_request_head(b"", MEANING[name], forwarded=b"", extra=b"") is None


def test_chunked_and_the_routes_own_lines() -> None:
    made = head(
        [(b"Host", b"h"), (b"Transfer-Encoding", b"chunked")], chunked=True, extra=b"X-R: 1\r\n"
    )
    assert made.count(b"Transfer-Encoding: chunked\r\n") == 1
    assert b"\r\nX-R: 1\r\n" in made


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
    ],
)
def test_forwarded(chain: bytes, host: bytes, proto: bytes, expected: bytes) -> None:
    assert f.forwarded_value(chain, host, proto) == expected


def test_a_forwarded_header_of_the_client_is_believed() -> None:
    made = head([(b"Host", b"h"), (b"Forwarded", b"for=x")])
    assert made.count(b"Forwarded: for=x\r\n") == 1
    assert b"for=10.1.1.1" not in made


def test_answers() -> None:
    headers = [
        (b"Keep-Alive", b"1"),
        (b"cOntent-Length", b"0"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
    ]
    assert f.answer_head(200, headers, seen(headers), chunked=False, own=b"") == (
        b"HTTP/1.1 200 OK\r\ncOntent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    )
    assert not f.passes_unchanged(200, seen(headers))
    assert f.passes_unchanged(200, seen(headers[1:]))
    assert not f.passes_unchanged(204, seen(headers[1:]))
    made = f.answer_head(204, headers, seen(headers), chunked=False, own=b"Connection: close\r\n")
    assert b"ontent-Length" not in made
    assert made.endswith(b"Connection: close\r\n\r\n")


def test_interim() -> None:
    assert f.interim_head(103, [(b"Link", b"x"), (b"Connection", b"y")]) == (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )


def test_chunks_and_trailers() -> None:
    assert f.chunk(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"
    assert f.last_chunk(()) == b"0\r\n\r\n"
    assert f.last_chunk([(b"X-T", b"1"), (b"Content-Length", b"2")]) == b"0\r\nX-T: 1\r\n\r\n"


@given(
    st.lists(st.tuples(st.sampled_from([b"A", b"b-B", b"X-x"]), st.binary(max_size=3)), max_size=6)
)
def test_user_headers_keep_order_case_and_bytes(fields: list[tuple[bytes, bytes]]) -> None:
    fields = [(n, v.replace(b"\r", b"").replace(b"\n", b"")) for n, v in fields]
    lines = head([(b"Host", b"h"), *fields]).split(b"\r\n")
    assert lines[2 : 2 + len(fields)] == [n + b": " + v for n, v in fields]


def test_the_head_of_a_101_keeps_its_upgrade_and_loses_the_rest_of_its_hop() -> None:
    fields = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade, X-Drop"),
        (b"X-Drop", b"1"),
        (b"Content-Length", b"0"),
        (b"Sec-WebSocket-Accept", b"a"),
    ]
    assert f.switching_head(fields) == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
