"""A fuzzer of bytes: requests through a real ServerConnection, answers through a real UpstreamConnection, with h11 as the judge.

Promises checked on each input, which a seed decides: nothing raises, nothing hangs; what is read does not depend on how the bytes
were cut into reads; a message that we take is read by h11 in the same way, and one that h11 takes is taken here, but for the
differences listed below. So no input can make the two ends of a connection disagree on where a message begins.

Intended differences. We refuse, and h11 takes:
  bare LF as the end of a line, folded lines, blanks around names           (RFC 9112 allows us to refuse; smuggling lives there)
  more than one Content-Length, though equal; Content-Length beside Transfer-Encoding; chunked in HTTP/1.0
  methods that nobody has registered; CONNECT (405); targets that are neither a path, nor an http URL, nor `OPTIONS *`
  a Host that is neither a name nor an address; a missing Host beside an absolute URL
  other expectations than 100-continue; versions other than 1.0 and 1.1
  extensions of chunks, and trailers, that break the grammar (h11 skips extensions unread)
  answers: a switch of protocols that nobody asked for; a status below 100
  PRI, which waits for the rest of HTTP/2's preface as long as a head may take
We take, and h11 refuses:
  several blanks between method and target (passed on as one), an empty line before a request, of however many CR (left out)
  characters in a target beyond those of RFC 3986 (passed on as they came)
  answers: any reason phrase (one that is none is replaced), an empty line before an answer, framing in an interim head (left out)
"""

from __future__ import annotations

import ast
import random
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import h11

from tanebi.http.connection import ServerConnection
from tanebi.http.errors import HttpError
from tanebi.http.reading import ServerLimits
from tanebi.http.sides import ClientStream
from tanebi.http.upstream import UpstreamConnection
from tests.fuzz.generating import answer, damaged, good_request, pieces, request

HEAD_MAX = 65536


@dataclass
class Message:
    """One message as somebody read it."""

    start: tuple[bytes, ...]
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    complete: bool = False


def _normal(headers: Any) -> list[tuple[bytes, bytes]]:
    """h11 spells names and codings in lower case, and cuts blanks that we pass on."""
    found = []
    for name, value in headers:
        name, value = bytes(name).lower(), bytes(value).strip(b" \t")
        found.append((name, value.lower() if name == b"transfer-encoding" else value))
    return found


# --- requests ----------------------------------------------------------------------------------


class Transport:
    """Bytes out are counted only; a pause of reading is kept."""

    def __init__(self) -> None:
        self.out = b""
        self.closed = self.ended = self.paused = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.out += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = self.ended = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Server:
    """Implements Listener and Application: answers each request when it is complete, perhaps a turn later."""

    def __init__(self, rng: random.Random, *, patient: bool) -> None:
        self.application = self
        self.limits = ServerLimits(head_max=HEAD_MAX)
        self.connections: set[ServerConnection] = set()
        self.date_line = b""
        self.soon: deque[Callable[[], None]] = deque()
        self.messages: list[Message] = []
        self.refusals: list[str] = []
        self._rng = rng
        self._patient = patient

    def now(self) -> float:
        return 0.0

    def call_soon(self, callback: Any, *args: Any) -> None:
        self.soon.append(lambda: callback(*args))

    def refused(self, peer: str, text: str) -> None:
        self.refusals.append(text)

    def begin(self, request: ClientStream) -> None:
        message = Message((request.method, request.target), _normal(request.headers))
        _judge_raw(request)
        self.messages.append(message)
        sink = Sink(self, request, message)
        request.sink = sink
        for piece in request.take_body():
            sink.on_request_body(piece)
        if request.complete:
            sink.on_request_end()

    def answer(self, request: ClientStream) -> None:
        if self._patient:
            self.call_soon(lambda: None if request.done else request.respond(200, (), b"x"))
        else:
            request.respond(200, (), b"x")


def _judge_raw(request: ClientStream) -> None:
    """The head as it came is the one that was parsed."""
    if request.raw is not None:
        start, _, lines = request.raw.partition(b"\r\n")
        assert start == b"%b %b HTTP/1.1" % (request.method, request.target), ("raw", request.raw)
        names = [line.partition(b":")[0] for line in lines.split(b"\r\n")[:-2]]
        assert names == [name for name, _ in request.headers], ("raw", request.raw)
        assert request.complete, ("raw", request.raw)


class Sink:
    def __init__(self, server: Server, request: ClientStream, message: Message) -> None:
        self.server, self.request, self.message = server, request, message

    def on_request_body(self, piece: bytes) -> None:
        assert not self.message.complete, "a body behind its end"
        self.message.body += piece

    def on_request_end(self) -> None:
        assert not self.message.complete, "two ends"
        self.message.complete = True
        self.message.trailers = _normal(self.request.trailers)
        self.server.answer(self.request)

    def on_client_left(self) -> None: ...
    def on_client_slow(self) -> None: ...
    def on_client_ready(self) -> None: ...
    def on_sweep(self, now: float) -> None: ...


def our_requests(rng: random.Random, reads: list[bytes]) -> tuple[list[Message], bool, list[str]]:
    """What we read, whether the connection may go on, and why it may not."""
    server = Server(rng, patient=rng.random() < 0.5)
    connection, transport = ServerConnection(cast(Any, server)), Transport()
    connection.connection_made(cast(Any, transport))
    waiting, turns = deque(reads), 0
    while (waiting or server.soon) and not transport.closed:
        turns += 1
        assert turns < 100_000, "it turns in circles"
        while server.soon:
            server.soon.popleft()()
        if waiting and not transport.paused and not transport.closed:
            connection.data_received(waiting.popleft())
        elif waiting and transport.paused and not server.soon:
            raise AssertionError("held for ever")
    assert transport.out.count(b"HTTP/1.1 ") <= len(server.messages) + 1, (
        "more answers than questions"
    )
    return server.messages, not transport.ended, server.refusals


def their_requests(data: bytes) -> tuple[list[Message], str]:
    """What h11 reads, and why it stopped (empty: it did not)."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    found: list[Message] = []
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return found, ""
            if isinstance(event, h11.Request):
                found.append(Message((event.method, event.target), _normal(event.headers)))
            elif isinstance(event, h11.Data):
                found[-1].body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found[-1].complete, found[-1].trailers = True, _normal(event.headers)
            if isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                if connection.our_state is not h11.SEND_RESPONSE:
                    return found, "closed"
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                if connection.our_state is h11.SWITCHED_PROTOCOL:
                    return found, "closed"
                connection.send(h11.EndOfMessage())
                if (
                    connection.our_state is h11.MUST_CLOSE
                    or connection.their_state is h11.MUST_CLOSE
                ):
                    return found, "closed"
                if connection.their_state is h11.DONE:
                    connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return found, str(error) or "error"


def check_requests(seed: str) -> None:
    """One input. Raises what it finds."""
    rng = random.Random(seed)
    if rng.random() < 0.15:
        _check_good(rng)
        return
    messages = [damaged(rng, request(rng)) for _ in range(rng.choice([1, 1, 2, 3]))]
    if rng.random() < 0.3:  # a client that repeats itself, and perhaps not quite
        messages += [damaged(rng, messages[0]) for _ in range(3)]
    data = b"".join(messages)
    ours, alive, refusals = our_requests(rng, [data])
    cut = [m for m in messages if m] if rng.random() < 0.4 else pieces(rng, data)
    again, alive_again, refusals_again = our_requests(rng, cut)
    whole, whole_again = [m for m in ours if m.complete], [m for m in again if m.complete]
    assert (whole, alive) == (whole_again, alive_again), (
        "cut",
        data,
        ours,
        again,
        refusals,
        refusals_again,
    )
    theirs, stopped = their_requests(data)
    _compare(
        data,
        ours,
        theirs,
        refused=bool(refusals) or not alive,
        stopped=stopped,
    )


def _check_good(rng: random.Random) -> None:
    """What both must take is taken, however it is cut."""
    messages = [good_request(rng) for _ in range(rng.randrange(1, 4))]
    messages += rng.choices(messages, k=rng.randrange(4))
    count, data = len(messages), b"".join(messages)
    cut = messages if rng.random() < 0.5 else pieces(rng, data)
    ours, alive, refusals = our_requests(rng, cut)
    assert (len(ours), alive, refusals) == (count, True, []), ("refused", data, refusals)
    assert all(message.complete for message in ours), ("refused", data)
    _compare(data, ours, their_requests(data)[0], refused=False, stopped="")


def _compare(
    data: bytes,
    ours: list[Message],
    theirs: list[Message],
    *,
    refused: bool,
    stopped: str,
) -> None:
    for mine, other in zip(ours, theirs, strict=False):
        if not mine.complete and refused:
            return
        assert mine.headers == other.headers, ("headers", data, mine, other)
        if other.start[-1].startswith(b"/"):
            assert mine.start == other.start, ("start", data, mine, other)
        if stopped and not other.complete:
            assert not mine.complete, ("we take what h11 refuses", stopped, data, mine)
            return
        assert (mine.body, mine.trailers, mine.complete) == (
            other.body,
            other.trailers,
            other.complete,
        ), ("body", data, mine, other)
    if len(ours) > len(theirs):
        more = ours[len(theirs)]
        assert _is_ours_to_take(stopped, more), ("we take what h11 refuses", stopped, data, more)
        return
    if len(theirs) > len(ours):
        more = theirs[len(ours)]
        assert refused or more.start[0] == b"PRI", ("h11 reads one more", data, more)


def _is_ours_to_take(why: str, mine: Message) -> bool:
    """Whether h11's refusal is one of those listed above."""
    if why == "no request line received":
        return True  # an empty line before it
    line = re.fullmatch(r"illegal request line: bytearray\((b.*)\)", why, re.DOTALL)
    if line is None:
        return False
    start = ast.literal_eval(line[1])
    if not start.strip(b"\r"):
        return True  # the same, of more than one CR
    found = re.fullmatch(rb"\r?([A-Z]+) +([^ \r\n]+) +HTTP/1\.[01]", start)
    if found is None or mine.start[0] != found[1]:
        return False
    return mine.start[1] == found[2] or b"://" in found[2]


# --- answers -----------------------------------------------------------------------------------


class Taker:
    """Implements Answer, and judges the order."""

    def __init__(self) -> None:
        self.message: Message | None = None
        self.error: HttpError | None = None
        self.over = self.reusable = False
        self.interim: list[int] = []

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        assert self.message is None
        assert not self.over
        self.interim.append(status)

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        assert self.message is None
        assert not self.over
        assert raw is None or (raw.startswith(b"HTTP/1.1 ") and raw.endswith(b"\r\n\r\n"))
        self.message = Message((b"%d" % status,), _normal(headers))

    def on_body(self, chunk: bytes) -> None:
        assert self.message is not None
        assert not self.over
        self.message.body += chunk

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        assert self.message is not None
        assert not self.over
        self.message.trailers, self.message.complete = _normal(trailers), True
        self.over, self.reusable = True, reusable

    def on_failed(self, error: HttpError) -> None:
        assert not self.over
        self.over, self.error = True, error

    def on_flush(self) -> None: ...
    def on_sending_paused(self) -> None: ...
    def on_sending_resumed(self) -> None: ...


class Home:
    def give_back(self, connection: UpstreamConnection) -> None: ...
    def idle_lost(self, connection: UpstreamConnection) -> None: ...


def our_answer(reads: list[bytes], *, head_only: bool) -> Taker:
    connection, transport, taker = UpstreamConnection(("a", 1), Home()), Transport(), Taker()
    connection.connection_made(cast(Any, transport))
    connection.begin(taker, head_only=head_only)
    for piece in reads:
        if connection.closed:
            break
        connection.data_received(piece)
    if not connection.closed:
        connection.connection_lost(None)
    assert taker.over, "an answer without an end"
    return taker


def their_answer(data: bytes, *, head_only: bool) -> tuple[Message | None, str]:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(
        h11.Request(method="HEAD" if head_only else "GET", target="/", headers=[("Host", "h")])
    )
    connection.send(h11.EndOfMessage())
    found: Message | None = None
    try:
        connection.receive_data(data)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                found = Message((b"%d" % event.status_code,), _normal(event.headers))
            elif isinstance(event, h11.Data) and found is not None:
                found.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and found is not None:
                found.complete, found.trailers = True, _normal(event.headers)
                return found, ""
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return found, "closed"
    except h11.RemoteProtocolError as error:
        return found, str(error) or "error"


def check_answer(seed: str) -> None:
    """One input. Raises what it finds."""
    rng = random.Random(seed)
    head_only = rng.random() < 0.1
    data = b"".join(damaged(rng, answer(rng)) for _ in range(rng.choice([1, 1, 2])))
    ours = our_answer([data], head_only=head_only)
    again = our_answer(pieces(rng, data), head_only=head_only)
    mine = ours.message
    if ours.error is None or again.error is None:
        assert (mine, ours.interim) == (again.message, again.interim), (
            "cut",
            data,
            ours.message,
            again.message,
            again.error,
        )
    theirs, stopped = their_answer(data, head_only=head_only)
    if ours.error is not None or mine is None:
        return
    if theirs is None or not theirs.complete:
        assert _is_ours_to_read(stopped, data, mine), (
            "we take what h11 refuses",
            stopped,
            data,
            mine,
        )
        return
    assert mine == theirs, ("answer", data, mine, theirs)


def _is_ours_to_read(why: str, data: bytes, mine: Message) -> bool:
    """Whether h11's refusal is one of those listed above."""
    if why == "no response line received":
        return True
    if why in (
        "Only Transfer-Encoding: chunked is supported",
        "multiple Transfer-Encoding headers",
    ):
        return data.startswith(b"HTTP/1.1 1") and mine.start[0] != b"1"
    line = re.fullmatch(r"illegal status line: bytearray\((b.*)\)", why, re.DOTALL)
    if line is None:
        return False
    start = ast.literal_eval(line[1])
    return re.match(rb"\r?HTTP/1\.[01] \d\d\d", start) is not None
