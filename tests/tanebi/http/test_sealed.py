"""What a request looks like on the wire, with headers that are written once or each time."""

from __future__ import annotations

import pytest

from tanebi.http.sealed import Sealed, request_bytes, seal


def test_request_bytes() -> None:
    assert request_bytes("GET", b"h", b"/", [(b"X-a", b"1"), (b"Content-Length", b"9")], b"") == (
        b"GET / HTTP/1.1\r\nHost: h\r\nX-a: 1\r\n\r\n"
    )
    assert request_bytes("POST", b"h", b"/", [(b"Host", b"other")], b"hi") == (
        b"POST / HTTP/1.1\r\nHost: other\r\nContent-Length: 2\r\n\r\nhi"
    )
    for value in (b"a\r\nb", b"a\nb", b"a\0b"):
        with pytest.raises(ValueError, match="line break"):
            request_bytes("GET", b"h", b"/", [(b"X", value)], b"")


def test_sealed_headers_are_headers_and_make_the_same_request() -> None:
    first, more = [(b"X-a", b"1"), (b"Content-Length", b"9")], [(b"Host", b"other"), (b"b", b"2")]
    sealed = seal(first).joined(seal(more))
    assert isinstance(sealed, Sealed)
    assert list(sealed) == [*first, *more]
    plain = request_bytes("POST", b"h", b"/", [*first, *more], b"x")
    assert request_bytes("POST", b"h", b"/", sealed, b"x") == plain
    assert b"Host: other\r\n" in plain


def test_a_line_break_is_refused_when_sealed() -> None:
    with pytest.raises(ValueError, match="line break"):
        seal([(b"X", b"a\r\nb: c")])
