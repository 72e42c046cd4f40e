"""Whole answers as bytes."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tanebi.http.request import HELD_BY_SINK, ServerRequest


class Side:
    """Implements ClientSide and writes down what happens."""

    def __init__(self) -> None:
        self.transport = cast(asyncio.Transport, self)
        self.peer = "10.0.0.1"
        self.slow = False
        self.parting = False
        self.forwarded_for: tuple[bytes, bytes] | None = None
        self.date_line = b"Date: now\r\n"
        self.out = b""
        self.held: list[int] = []
        self.ended: list[ServerRequest] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.out += data

    def is_closing(self) -> bool:
        return False

    def hold(self, why: int) -> None:
        self.held.append(why)

    def unhold(self, why: int) -> None:
        self.held.append(-why)

    def finished(self, request: ServerRequest) -> None:
        self.ended.append(request)

    def abort(self) -> None:
        self.aborted = True

    def hand_over(self, end: asyncio.Protocol) -> bytes:
        return b"ahead"

    def connection_lost(self, exc: Exception | None) -> None:
        self.aborted = True


def make(method: bytes = b"GET", *, complete: bool = True) -> tuple[ServerRequest, Side]:
    side = Side()
    request = ServerRequest(side, method, b"/", b"h", [], 0)
    request.complete = complete
    return request, side


@pytest.mark.parametrize(
    ("method", "status", "tail"),
    [
        (b"GET", 200, b"Content-Length: 2\r\n\r\nhi"),
        (b"HEAD", 200, b"Content-Length: 2\r\n\r\n"),
        (b"GET", 204, b"A: b\r\n\r\n"),
        (b"GET", 304, b"A: b\r\n\r\n"),
    ],
)
def test_respond(method: bytes, status: int, tail: bytes) -> None:
    request, side = make(method)
    request.respond(status, ((b"A", b"b"),), b"hi")
    assert side.out.startswith(b"HTTP/1.1 %d " % status)
    assert side.out.endswith(b"\r\nDate: now\r\nA: b\r\n" + tail.removeprefix(b"A: b\r\n"))
    assert side.ended == [request]


def test_an_answer_before_the_end_of_the_request_closes() -> None:
    request, side = make(complete=False)
    request.respond_text(413, "too large")
    assert b"\r\nConnection: close\r\n" in side.out
    assert side.out.endswith(b"\r\n\r\ntoo large\n")


def test_http10_is_told_that_its_connection_is_kept() -> None:
    request, _ = make()
    assert request.connection_header() == b""
    request.http10 = True
    assert request.connection_header() == b"Connection: keep-alive\r\n"
    request.keep_alive = False
    assert request.connection_header() == b"Connection: close\r\n"


def test_bodies_are_taken_once_and_held() -> None:
    request, side = make()
    assert not request.has_body
    request.body_length = 3
    assert request.has_body
    request.pending = [b"a", b"b"]
    assert (request.take_body(), request.take_body()) == ([b"a", b"b"], [])
    request.hold_body()
    request.want_body()
    assert side.held == [HELD_BY_SINK, -HELD_BY_SINK]


def test_abort() -> None:
    request, side = make()
    request.abort()
    assert (request.done, side.aborted) == (True, True)
