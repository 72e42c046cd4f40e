"""Answers read: whole, in pieces, byte by byte, and broken."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.errors import BadResponse, ConnectFailed, HttpError, PeerReset
from tanebi.http.headers import CONNECTION, KEEP_ALIVE
from tanebi.http.upstream import HEAD_MAX, UpstreamConnection, Upstreams, pool_key
from tanebi.testing.clock import FakeClock
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until
from tests.tanebi.http.smuggling import BAD_BODIES, BAD_HEADS


class Taker:
    """Implements Answer and writes down what it is told."""

    def __init__(self) -> None:
        self.interim: list[int] = []
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.seen = 0
        self.raw: bytes | None = None
        self.body = b""
        self.trailers: list[tuple[bytes, bytes]] = []
        self.reusable: bool | None = None
        self.error: HttpError | None = None
        self.ends = 0

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.interim.append(status)

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        self.status, self.headers, self.seen, self.raw = status, headers, seen, raw

    def on_body(self, chunk: bytes) -> None:
        self.body += chunk

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        self.trailers, self.reusable = trailers, reusable
        self.ends += 1

    def on_failed(self, error: HttpError) -> None:
        self.error = error
        self.ends += 1

    def on_flush(self) -> None: ...
    def on_sending_paused(self) -> None: ...
    def on_sending_resumed(self) -> None: ...


class Transport:
    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Kept:
    """Implements Home."""

    def __init__(self, lost: list[UpstreamConnection]) -> None:
        self.idle_lost = lost.append

    def give_back(self, connection: UpstreamConnection) -> None: ...


def connected() -> tuple[UpstreamConnection, Transport, list[UpstreamConnection]]:
    lost: list[UpstreamConnection] = []
    connection, transport = UpstreamConnection(("a", 1), Kept(lost)), Transport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    return connection, transport, lost


def read(data: bytes, *, pieces: int, head_only: bool = False, eof: bool = False) -> Taker:
    """Feed `data` in reads of `pieces` bytes."""
    connection, _, _ = connected()
    taker = Taker()
    connection.begin(taker, head_only=head_only)
    for i in range(0, len(data), pieces):
        if not connection.closed:
            connection.data_received(data[i : i + pieces])
    if eof:
        connection.connection_lost(None)
    return taker


CASES: list[tuple[bytes, bool, int, bytes, bool]] = [
    # answer, ends with its connection, status, body, reusable
    (ok(b"hello"), False, 200, b"hello", True),
    (ok(b"hello", b"Connection: close"), False, 200, b"hello", False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", False, 200, b"x", False),
    (b"HTTP/1.1 200 OK\r\n\r\nrest", True, 200, b"rest", False),
    (b"HTTP/1.1 204 No Content\r\n\r\n", False, 204, b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False, 304, b"", True),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;e\r\nc\r\n0\r\nX-T: 1\r\n\r\n",
        False,
        200,
        b"abc",
        True,
    ),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + ok(b"x"),
        False,
        200,
        b"x",
        True,
    ),
]


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
@pytest.mark.parametrize(("data", "eof", "status", "body", "reusable"), CASES)
def test_answers(
    data: bytes, eof: bool, status: int, body: bytes, reusable: bool, pieces: int
) -> None:
    taker = read(data, pieces=pieces, eof=eof)
    assert (taker.status, taker.body, taker.reusable) == (status, body, reusable)
    assert (taker.error, taker.ends) == (None, 1)
    if b"X-T" in data:
        assert taker.trailers == [(b"X-T", b"1")]
    if b"100" in data:
        assert taker.interim == [100, 103]


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize("case", [*BAD_HEADS, *BAD_BODIES])
def test_an_ambiguous_answer_is_a_broken_one(case: str, pieces: int) -> None:
    rest = BAD_HEADS.get(case) or BAD_BODIES[case]
    taker = read(b"HTTP/1.1 200 OK\r\n" + rest, pieces=pieces, eof=True)
    assert isinstance(taker.error, BadResponse)
    assert taker.ends == 1
    assert taker.status == (0 if case in BAD_HEADS else 200)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 201 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    ],
    ids=lambda v: repr(v)[:40],
)
def test_heads_that_are_no_answer_to_us(data: bytes) -> None:
    taker = read(data, pieces=1 << 20, eof=True)
    assert isinstance(taker.error, BadResponse)
    assert taker.status == 0


@pytest.mark.parametrize(
    ("line", "alone"),
    [(b"Connection: keep-alive", True), (b"Connection: Keep-Alive, X", False)],
)
def test_keep_alive_alone_changes_nothing_of_a_head(line: bytes, alone: bool) -> None:
    taker = read(ok(b"x", line), pieces=1 << 20)
    assert bool(taker.seen & KEEP_ALIVE) == alone != bool(taker.seen & CONNECTION)
    assert taker.reusable


def test_the_head_as_it_came_is_told_only_when_it_came_in_one_piece() -> None:
    assert read(ok(b"x"), pieces=1000).raw == b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    assert read(ok(b"x"), pieces=10).raw is None
    assert read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", pieces=1000).raw is None
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"x"), pieces=1000).raw is None


@pytest.mark.parametrize("pieces", [1, 1000])
def test_an_answer_to_head_ends_with_its_head(pieces: int) -> None:
    taker = read(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", pieces=pieces, head_only=True)
    assert (taker.status, taker.body, taker.reusable, taker.ends) == (200, b"", True, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * (HEAD_MAX + 10),
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    ],
)
@pytest.mark.parametrize("pieces", [64, 100_000])
def test_garbage_fails_once(data: bytes, pieces: int) -> None:
    taker = read(data, pieces=pieces)
    assert isinstance(taker.error, BadResponse)
    assert taker.ends == 1


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"]
)
def test_an_end_before_the_end_is_a_reset(data: bytes) -> None:
    taker = read(data, pieces=100, eof=True)
    assert isinstance(taker.error, PeerReset)


def test_bytes_nobody_asked_for_close_an_idle_connection() -> None:
    connection, transport, lost = connected()
    connection.data_received(ok(b"x"))
    assert connection.closed
    assert transport.aborted
    connection.connection_lost(None)
    assert lost == [connection]


def test_a_second_answer_behind_the_first_is_refused() -> None:
    connection, transport, _ = connected()
    taker = Taker()
    connection.begin(taker, head_only=False)
    connection.data_received(ok(b"x") + ok(b"smuggled"))
    assert (taker.body, taker.ends) == (b"x", 1)
    assert connection.closed
    assert transport.aborted


def test_the_pool_keeps_encrypted_connections_apart() -> None:
    assert pool_key(("a", 1), tls=True) != pool_key(("a", 1), tls=False) == ("a", 1)


@pytest.mark.anyio
async def test_dial_give_back_take_and_forget() -> None:
    clock = FakeClock()
    upstreams = Upstreams(clock)
    async with serving(answering(lambda head, body: ok(b"x"))) as address:
        connection = await upstreams.dial(address)
        upstreams.give_back(connection)
        assert upstreams.take(address) is connection
        assert upstreams.take(address) is None
        upstreams.give_back(connection)
        upstreams.forget(address)
        assert connection.closed
        second = await upstreams.dial(address)
        upstreams.give_back(second)
        clock.advance(1000)
        upstreams.expire(clock.now())
        assert second.closed
        upstreams.give_back(second)
        assert len(upstreams.pool) == 0


@pytest.mark.anyio
async def test_an_idle_connection_that_dies_leaves_the_pool() -> None:
    upstreams = Upstreams(SystemClock())
    async with serving(answering(lambda head, body: ok(b"x"))) as address:
        upstreams.give_back(await upstreams.dial(address))
    await wait_until(lambda: len(upstreams.pool) == 0)


@pytest.mark.anyio
async def test_dialling_nobody_is_connect_failed() -> None:
    async with serving(answering(lambda head, body: b"")) as address:
        pass
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{address[1]}"):
        await Upstreams(SystemClock()).dial(address)
    with pytest.raises(ConnectFailed):
        await Upstreams(SystemClock()).dial(("no-such-host.invalid", 80), timeout_s=5)


@pytest.mark.anyio
async def test_dialling_a_plain_server_with_tls_is_connect_failed() -> None:
    async with serving(answering(lambda head, body: ok(b"x"))) as address:
        with pytest.raises(ConnectFailed):
            await Upstreams(SystemClock(), ssl.create_default_context()).dial(
                address, timeout_s=0.5, tls=True
            )


def test_what_broke_off_unread_is_read_before_the_connection_counts_as_lost() -> None:
    """The same without luck: the write has failed, and the answer lies in the socket."""
    ours, theirs = socket.socketpair()
    theirs.sendall(ok(b"early"))

    class Broken:
        def get_extra_info(self, name: str) -> Any:
            return ours if name == "socket" else None

        def abort(self) -> None: ...

    with ours, theirs:
        ours.setblocking(False)
        taker = Taker()
        connection = UpstreamConnection(("a", 1), Kept([]))
        connection.connection_made(Broken())  # type: ignore[arg-type]
        connection.begin(taker, head_only=False)
        connection.connection_lost(BrokenPipeError())
    assert (taker.status, taker.body, taker.ends, taker.reusable) == (200, b"early", 1, False)


def test_a_head_with_a_reason_that_is_none_is_not_passed_on_as_it_came() -> None:
    bad = b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"
    assert read(bad, pieces=1 << 20).raw is None
    assert read(bad.replace(b"\0", b" "), pieces=1 << 20).raw is not None
    assert read(bad.replace(b" O\0K", b""), pieces=1 << 20).raw is not None


def test_an_answer_that_comes_again_is_read_alike() -> None:
    connection, _, _ = connected()
    takers = [Taker() for _ in range(6)]
    bodies = [b"ab", b"cd", b"efg", b"hij", b"", b""]
    for taker, body in zip(takers, bodies, strict=True):
        connection.begin(taker, head_only=False)
        connection.data_received(ok(body, b"X: y"))
    assert [(t.status, t.body, t.ends, t.reusable) for t in takers] == [
        (200, body, 1, True) for body in bodies
    ]
    assert takers[0].headers == takers[1].headers
    assert [t.raw for t in takers] == [ok(b, b"X: y").removesuffix(b) for b in bodies]
    connection.begin(takers[0], head_only=True)
    connection.data_received(ok(b"", b"X: y"))
    assert (takers[0].ends, takers[0].body) == (2, b"ab")
