"""Heads between HTTP/2's form and ours."""

from __future__ import annotations

import pytest

from tanebi.http.h2.fields import Block, Field
from tanebi.http.h2.frames import StreamBroken
from tanebi.http.h2.heads import (
    answer_fields,
    answer_head,
    request_fields,
    request_head,
    trailers,
)
from tanebi.http.headers import CONTENT_LENGTH, HOST
from tanebi.http.heads import Head

PSEUDO: list[Field] = [
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":authority", b"h:80"),
    (b":path", b"/a?b"),
]


def head(*fields: Field, pseudo: list[Field] | None = None) -> list[Field]:
    return [*(PSEUDO if pseudo is None else pseudo), *fields]


def without(name: bytes, *more: Field) -> list[Field]:
    return [f for f in PSEUDO if f[0] != name] + list(more)


def test_a_request() -> None:
    block = Block(head((b"x-a", b"1"), (b"content-length", b"5"), (b"te", b"trailers")))
    found = request_head(block)
    assert (found.method, found.target, found.scheme) == (b"GET", b"/a?b", b"http")
    assert (found.host, found.length) == (b"h:80", 5)
    assert found.headers == [(b"x-a", b"1"), (b"content-length", b"5"), (b"te", b"trailers")]
    assert found.seen & CONTENT_LENGTH
    assert not found.seen & HOST
    assert request_head(block) is found


def test_host_may_stand_for_authority_and_agree_with_it() -> None:
    assert request_head(Block(without(b":authority", (b"host", b"h")))).host == b"h"
    assert request_head(Block(head((b"host", b"h:80")))).host == b"h:80"
    assert request_head(Block(without(b":authority"))).host == b""


def test_crumbs_become_one_cookie() -> None:
    found = request_head(Block(head((b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2"))))
    assert found.headers == [(b"x", b"y"), (b"cookie", b"a=1; b=2")]


def test_options_of_the_whole_server() -> None:
    fields = [(b":method", b"OPTIONS"), (b":scheme", b"http"), (b":path", b"*"), (b"host", b"h")]
    assert request_head(Block(fields)).target == b"*"  # type: ignore[arg-type]


MALFORMED = [
    without(b":method"),
    without(b":scheme"),
    without(b":path"),
    without(b":path", (b":path", b"")),
    without(b":path", (b":path", b"*")),
    without(b":path", (b":path", b"a")),
    without(b":path", (b":path", b"/a b")),
    without(b":path", (b":path", b"/a\x7f")),
    without(b":method", (b":method", b"GE T")),
    without(b":method", (b":method", b"CONNECT")),
    without(b":authority", (b":authority", b"h/x")),
    without(b":authority", (b":authority", b"u@h")),
    without(b":authority", (b":authority", b"h:99999")),
    without(b":authority", (b":authority", b'h"')),
    head((b":status", b"200")),
    head((b":protocol", b"websocket")),
    head((b":path", b"/twice")),
    head((b"x", b"1"), (b":late", b"1")),
    head((b"X-Upper", b"1")),
    head((b"x y", b"1")),
    head((b"x:", b"1")),
    head((b"", b"1")),
    head((b"x", b"a\r\nb")),
    head((b"x", b"a\0b")),
    head((b"x", b"a\nb")),
    head((b"x", b" a")),
    head((b"x", b"a\t")),
    head((b"host", b"other")),
    head((b"host", b"h:80"), (b"host", b"h:80")),
    head((b"connection", b"close")),
    head((b"keep-alive", b"5")),
    head((b"proxy-connection", b"x")),
    head((b"transfer-encoding", b"chunked")),
    head((b"upgrade", b"websocket")),
    head((b"te", b"gzip")),
    head((b"content-length", b"5"), (b"content-length", b"6")),
    head((b"content-length", b"-5")),
    head((b"content-length", b"5, 5")),
    head((b"content-length", b"9" * 30)),
]


@pytest.mark.parametrize("fields", MALFORMED, ids=lambda f: repr(f[-1]))
def test_malformed_requests(fields: list[Field]) -> None:
    with pytest.raises(StreamBroken):
        request_head(Block(fields))


def test_an_answer() -> None:
    found = answer_head(Block([(b":status", b"200"), (b"content-length", b"3"), (b"x", b"y")]))
    assert (found.status, found.length) == (200, 3)
    assert found.headers == [(b"content-length", b"3"), (b"x", b"y")]


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b"x", b"y")],
        [(b":status", b"20")],
        [(b":status", b"abc")],
        [(b":status", b"099")],
        [(b":status", b"101")],
        [(b":status", b"200"), (b":path", b"/")],
        [(b":status", b"200"), (b"transfer-encoding", b"chunked")],
        [(b":status", b"200"), (b"content-length", b"x")],
    ],
)
def test_malformed_answers(fields: list[Field]) -> None:
    with pytest.raises(StreamBroken):
        answer_head(Block(fields))


def test_trailers() -> None:
    assert trailers(Block([(b"grpc-status", b"0"), (b"content-length", b"9")])) == [
        (b"grpc-status", b"0")
    ]
    with pytest.raises(StreamBroken):
        trailers(Block([(b":status", b"200")]))


def test_what_leaves_is_lower_case() -> None:
    assert answer_fields(404, [(b"X-A", b"B")]) == [(b":status", b"404"), (b"x-a", b"B")]
    sent = request_fields(
        Head(
            b"PUT",
            b"/p",
            b"h",
            [(b"X-A", b"B")],
            b"X-Forwarded-For: 1\r\nK-Proxy-Request: activator\r\n",
            trailers_wanted=True,
        )
    )
    assert sent == [
        (b":method", b"PUT"),
        (b":scheme", b"http"),
        (b":authority", b"h"),
        (b":path", b"/p"),
        (b"x-a", b"B"),
        (b"x-forwarded-for", b"1"),
        (b"k-proxy-request", b"activator"),
        (b"te", b"trailers"),
    ]


def test_a_field_that_is_not_to_be_indexed_stays_the_one_that_came() -> None:
    class Marked(tuple[bytes, bytes]):
        pass

    field = Marked((b"x-key", b"secret"))
    assert answer_fields(200, [field])[1] is field
