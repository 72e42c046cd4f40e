"""A message that comes again is read as it was the first time; anything else goes to the parser."""

from __future__ import annotations

import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.connection import ServerConnection
from tanebi.http.headers import CONTENT_LENGTH
from tanebi.http.repeats import MISSES_MAX, KnownAnswer, KnownRequest, length_of
from tanebi.http.server import HttpServer
from tests.tanebi.http.echoing import Echo, Recorder

TAIL = b" HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"GET /x?y=%20z" + TAIL, (b"GET", b"/x?y=%20z")),
        (b"DELETE /" + TAIL, (b"DELETE", b"/")),
        (b"POST /x" + TAIL, None),
        (b"GET  /x" + TAIL, None),
        (b"\r\nGET /x" + TAIL, None),
        (b"GET http://h/x" + TAIL, None),
        (b"GET /a b" + TAIL, None),
        (b"GET /\xe9" + TAIL, None),
        (b"GET /x" + TAIL + TAIL, None),
        (b"GET /x HTTP/1.1\r\nHost: other\r\n\r\nGET /y" + TAIL, None),
        (b"GET /x HTTP/1.1\r\nX:" + TAIL, None),
        (b"GET /x" + TAIL[:-1], None),
        (b"GET /" + b"x" * 5000 + TAIL, None),
        (TAIL, None),
    ],
)
def test_requests(data: bytes, start: tuple[bytes, bytes] | None) -> None:
    found = KnownRequest(TAIL, [], b"h", 0).again(data)
    assert (found and (found[1], found[2])) == start


def test_answers() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    known = KnownAnswer(raw, 200, [], CONTENT_LENGTH, 2)
    assert known.again(raw + b"ab")
    assert not known.again(raw + b"a")
    assert not known.again(raw + b"abc")
    assert not known.again(raw.replace(b"2\r", b"3\r") + b"ab")


def test_lengths() -> None:
    assert length_of([(b"A", b"1"), (b"content-Length", b"07")]) == 7
    assert length_of([(b"A", b"1")]) == -1


class Client:
    def __init__(self) -> None:
        self.app = Echo()
        self.transport = Recorder()
        self.connection = ServerConnection(
            HttpServer(self.app, host="", port=0, clock=SystemClock())
        )
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)


def test_a_client_that_repeats_itself_is_read_alike() -> None:
    client = Client()
    client.send(b"GET /1" + TAIL)
    client.send(b"GET /2" + TAIL)
    client.send(b"GET /3" + TAIL[:-2] + b"C: d\r\n\r\n")
    client.send(b"GET /4" + TAIL)
    client.send(b"GET /5" + TAIL)
    assert [r.target for r in client.app.begun] == [b"/%d" % i for i in range(1, 6)]
    first, second = client.app.begun[:2]
    assert (second.host, second.headers, second.seen) == (first.host, first.headers, first.seen)
    assert (second.raw, second.complete, second.keep_alive) == (b"GET /2" + TAIL, True, True)
    assert client.app.begun[2].headers[-1] == (b"C", b"d")


def test_what_the_parser_has_begun_is_never_skipped() -> None:
    client = Client()
    client.send(b"GET /1" + TAIL)
    client.send(b"G")
    client.send(b"GET /2" + TAIL)
    assert [r.target for r in client.app.begun] == [b"/1"]
    assert client.transport.out.endswith(b"\r\n\r\nmalformed request\n")


def test_who_keeps_changing_is_not_compared_for_ever() -> None:
    client = Client()
    for i in range(MISSES_MAX + 3):
        client.send(b"GET /" + TAIL[:-2] + b"C: %d\r\n\r\n" % i)
    assert client.connection._known is None
    assert len(client.app.begun) == MISSES_MAX + 3


def test_behind_a_refusal_nothing_is_read_any_more() -> None:
    client = Client()
    client.send(b"CONNECT /x" + TAIL)
    client.send(b"GET /x" + TAIL)
    assert client.app.begun == []
    assert client.transport.out.count(b"HTTP/1.1 ") == 1
