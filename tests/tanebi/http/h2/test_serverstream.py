"""One request while it is answered: few frames, and what a gRPC client is told."""

from __future__ import annotations

import pytest

from tanebi.base.errors import Bug
from tanebi.http.h2.serverstream import ServerStream
from tanebi.http.h2.stream import Stream
from tanebi.http.headers import CONTENT_LENGTH, KUBE_PROBE
from tests.tanebi.http.h2.talking import REQUEST, Listener, Talk


class App(Listener):
    """A connection whose application waits for the test. Implements tanebi.http.h2.serverstream.Client, Application."""

    peer, scheme, headers_max, forwarded_for = "127.0.0.1", b"http", 100, None
    date_line = b"Date: today\r\n"

    def __init__(self) -> None:
        super().__init__()
        self.application = self
        self.begun: list[ServerStream] = []

    def on_stream(self, stream: Stream) -> None:
        stream.owner = ServerStream(self, stream)  # type: ignore[arg-type]

    def begin(self, request: ServerStream) -> None:
        self.begun.append(request)

    def failed(self, stream: ServerStream) -> None:
        raise AssertionError("the application raised")


def asked(*headers: tuple[bytes, bytes], ended: bool = True) -> tuple[Talk, ServerStream]:
    talk = Talk()
    app = App()
    app.h2 = talk.ours  # type: ignore[attr-defined]
    talk.ours._listener = app
    talk.theirs.send_headers(1, [*REQUEST, *headers], end_stream=ended)
    talk.exchange()
    return talk, app.begun[0]


def frames(talk: Talk) -> list[str]:
    """Names of the events that the client has of what is sent now."""
    talk.events.clear()
    talk.exchange()
    return [type(e).__name__ for e in talk.events]


def test_an_answer_without_body_is_one_frame() -> None:
    talk, request = asked()
    request.send_head(204, [(b"Content-Length", b"0"), (b"X-A", b"1")], -1, None)
    request.send_end(())
    request.finish()
    assert frames(talk) == ["ResponseReceived", "StreamEnded"]
    assert talk.events[0].headers == [(b":status", b"204"), (b"x-a", b"1")]


def test_the_end_needs_no_frame_of_its_own() -> None:
    talk, request = asked()
    request.send_head(200, [], 0, None)
    request.send_body(b"one")
    request.send_body(b"two")
    request.send_end(())
    assert frames(talk) == ["ResponseReceived", "DataReceived", "DataReceived", "StreamEnded"]
    assert talk.events[2].stream_ended is not None


def test_a_flush_sends_what_there_is() -> None:
    talk, request = asked()
    request.send_head(200, [], 0, None)
    assert frames(talk) == []
    request.flush()
    assert frames(talk) == ["ResponseReceived"]
    request.send_body(b"piece")
    request.flush()
    assert frames(talk) == ["DataReceived"]


def test_trailers_and_interim_heads() -> None:
    talk, request = asked()
    request.send_interim(103, [(b"Link", b"</a>"), (b"Connection", b"close")])
    request.send_head(200, [], 0, None)
    request.send_end([(b"Grpc-Status", b"0"), (b"Content-Length", b"9")])
    assert frames(talk) == [
        "InformationalResponseReceived",
        "ResponseReceived",
        "TrailersReceived",
        "StreamEnded",
    ]
    assert talk.events[0].headers == [(b":status", b"103"), (b"link", b"</a>")]
    assert talk.events[2].headers == [(b"grpc-status", b"0")]


def test_errors_for_grpc_are_trailers_only() -> None:
    talk, request = asked((b"content-type", b"application/grpc"), ended=False)
    request.respond_text(503, "no pod in time")
    assert frames(talk) == ["ResponseReceived", "StreamEnded", "StreamReset"]
    assert talk.events[0].headers == [
        (b":status", b"200"),
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"14"),
        (b"grpc-message", b"no pod in time"),
    ]
    assert talk.events[2].error_code == 0


def test_errors_for_others_are_text() -> None:
    talk, request = asked()
    request.respond_text(404, "nothing here", [(b"X-A", b"b")])
    assert frames(talk) == ["ResponseReceived", "DataReceived", "StreamEnded"]
    fields = dict(talk.events[0].headers)
    assert (fields[b":status"], fields[b"date"], fields[b"x-a"]) == (b"404", b"today", b"b")
    assert talk.events[1].data == b"nothing here\n"


def test_half_an_answer_is_shown_to_be_half() -> None:
    talk, request = asked()
    request.send_head(200, [], 0, None)
    request.flush()
    request.abort()
    assert frames(talk) == ["ResponseReceived", "StreamReset"]


def test_an_answer_whose_time_is_up() -> None:
    talk, request = asked((b"content-type", b"application/grpc"))
    request.send_head(200, [], 0, None)
    request.time_out(b"request timeout")
    assert frames(talk) == ["ResponseReceived", "TrailersReceived", "StreamEnded"]
    assert talk.events[1].headers == [(b"grpc-status", b"4"), (b"grpc-message", b"request timeout")]
    talk, request = asked()
    request.send_head(200, [], 0, None)
    request.send_body(b"half")
    request.time_out(b"request timeout")
    assert frames(talk)[-1] == "StreamEnded"
    talk, request = asked()
    request.send_head(200, [(b"content-length", b"9")], CONTENT_LENGTH, None)
    request.flush()
    request.time_out(b"request timeout")
    assert frames(talk) == ["ResponseReceived", "StreamReset"]


def test_what_a_request_says_of_itself() -> None:
    _, request = asked(
        (b"user-agent", b"kube-probe/1.30"), (b"expect", b"100-continue"), ended=False
    )
    assert request.seen & KUBE_PROBE
    assert (request.expects_continue, request.chunked, request.complete) == (True, True, False)
    _, request = asked((b"content-length", b"5"), ended=False)
    assert (request.chunked, request.body_length) == (False, 5)


def test_a_body_before_its_sink_waits() -> None:
    talk, request = asked(ended=False)
    talk.theirs.send_data(1, b"early", end_stream=True)
    talk.exchange()
    assert request.take_body() == [b"early"]
    assert request.take_body() == []
    assert request.complete


def test_there_is_no_upgrade() -> None:
    _, request = asked()
    with pytest.raises(Bug):
        request.send_switch((), b"")
