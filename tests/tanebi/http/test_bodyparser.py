"""A parser behind a head it has not seen: the body, and then whole requests."""

from __future__ import annotations

import pytest

from tanebi.http.bodyparser import parser_of_body


class Heard:
    """Implements tanebi.http.bodyparser.Callbacks."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def on_url(self, piece: bytes) -> None:
        self.said.append(b"url " + piece)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.said.append(name + b"=" + value)

    def on_headers_complete(self) -> None:
        self.said.append(b"head")

    def on_body(self, chunk: bytes) -> None:
        self.said.append(b"body " + chunk)

    def on_message_complete(self) -> None:
        self.said.append(b"end")


@pytest.mark.parametrize(
    ("chunked", "data"),
    [(False, b"abc"), (True, b"3\r\nabc\r\n0\r\n\r\n")],
)
def test_the_body_and_then_the_next_request(chunked: bool, data: bytes) -> None:
    heard = Heard()
    parser = parser_of_body(heard, chunked=chunked, length=3)
    assert heard.said == []
    parser.feed_data(data + b"GET /next HTTP/1.1\r\nA: b\r\n\r\n")
    assert heard.said == [b"body abc", b"end", b"url /next", b"A=b", b"head", b"end"]
