"""Heads, chunks and ends as bytes of HTTP/1.1."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tanebi.http import heads as h
from tanebi.http.headers import MEANING, block


def seen(headers: list[tuple[bytes, bytes]]) -> int:
    bits = 0
    for name, _ in headers:
        bits |= MEANING[name]
    return bits


def test_request_heads() -> None:
    head = h.Head(b"POST", b"/x?y", b"h:80", [(b"aB", b"c")], b"X-T: 1\r\n", chunked=True)
    assert h.request_head(head) == (
        b"POST /x?y HTTP/1.1\r\nHost: h:80\r\naB: c\r\nTransfer-Encoding: chunked\r\nX-T: 1\r\n\r\n"
    )
    head = h.Head(b"GET", b"/", b"h", (), trailers_wanted=True, upgrade=b"a, b")
    assert h.request_head(head) == (
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, TE\r\nUpgrade: a, b\r\nTE: trailers\r\n\r\n"
    )


@given(
    st.lists(
        st.tuples(st.sampled_from([b"A", b"b-B", b"X-x"]), st.sampled_from([b"", b"a: b", b"x"]))
    )
)
def test_pairs_read_what_block_wrote(headers: list[tuple[bytes, bytes]]) -> None:
    assert h.pairs(block(headers)) == headers


def test_answers() -> None:
    headers = [
        (b"Keep-Alive", b"1"),
        (b"cOntent-Length", b"0"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
    ]
    assert h.answer_head(200, headers, seen(headers), chunked=False, own=b"") == (
        b"HTTP/1.1 200 OK\r\ncOntent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    )
    assert not h.passes_unchanged(200, seen(headers))
    assert h.passes_unchanged(200, seen(headers[1:]))
    assert not h.passes_unchanged(204, seen(headers[1:]))
    made = h.answer_head(204, headers, seen(headers), chunked=False, own=b"Connection: close\r\n")
    assert b"ontent-Length" not in made
    assert made.endswith(b"Connection: close\r\n\r\n")


def test_interim() -> None:
    assert h.interim_head(103, [(b"Link", b"x"), (b"Connection", b"y")]) == (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )


def test_chunks_and_trailers() -> None:
    assert h.chunk(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"
    assert h.last_chunk(()) == b"0\r\n\r\n"
    assert h.last_chunk([(b"X-T", b"1"), (b"Content-Length", b"2")]) == b"0\r\nX-T: 1\r\n\r\n"


def test_the_head_of_a_101_keeps_its_upgrade_and_loses_the_rest_of_its_hop() -> None:
    fields = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade, X-Drop"),
        (b"X-Drop", b"1"),
        (b"Content-Length", b"0"),
        (b"Sec-WebSocket-Accept", b"a"),
    ]
    assert h.switching_head(fields) == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
