from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tanebi.kube.embedded import EmbeddedTransport
from tanebi.kube.errors import Unreachable
from tanebi.kube.transport import Request, Response, Stream

pytestmark = pytest.mark.anyio

GET = Request("GET", "/x")


class Server:
    """Answers what it was made with, slowly if asked to; counts open streams."""

    def __init__(self, answer: Response | list[bytes], *, takes_s: float = 0.0) -> None:
        self.answer = answer
        self.takes_s = takes_s
        self.open = 0
        self.users: list[str] = []

    async def handle(self, request: Request, user: str) -> Response | Stream:
        self.users.append(user)
        await anyio.sleep(self.takes_s)
        if isinstance(self.answer, Response):
            return self.answer
        return Stream(200, {}, self.lines(self.answer))

    async def lines(self, chunks: list[bytes]) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            for chunk in chunks:
                yield chunk
            await anyio.sleep(self.takes_s)
        finally:
            self.open -= 1


async def test_requests_are_made_as_the_user() -> None:
    server = Server(Response(200, {}, b"x"))
    transport = EmbeddedTransport(server, user="me")
    assert (await transport.request(GET, timeout_s=1)).body == b"x"
    assert server.users == ["me"]


async def test_a_slow_answer_is_not_waited_for() -> None:
    transport = EmbeddedTransport(Server(Response(200), takes_s=10), user="me")
    with pytest.raises(Unreachable, match="GET /x: no answer within"):
        await transport.request(GET, timeout_s=0.01)


async def test_chunks_come_as_they_are_made() -> None:
    server = Server([b"a", b"b"], takes_s=0.01)
    async with EmbeddedTransport(server, user="me").stream(GET) as stream:
        first = await anext(stream.chunks)
        assert first == b"a"
        assert server.open == 1


async def test_leaving_ends_the_stream_at_once() -> None:
    server = Server([b"a"] * 100)
    async with EmbeddedTransport(server, user="me").stream(GET) as stream:
        await anext(stream.chunks)
    assert server.open == 0


async def test_a_stream_as_a_whole_and_a_whole_as_a_stream() -> None:
    server = Server([b"a", b"b"])
    answer = await EmbeddedTransport(server, user="me").request(GET, timeout_s=1)
    assert answer.body == b"ab"
    refused = Server(Response(404, {}, b"no"))
    async with EmbeddedTransport(refused, user="me").stream(GET) as stream:
        assert stream.status == 404
        assert [chunk async for chunk in stream.chunks] == [b"no"]


async def test_cancelling_a_reader_ends_its_stream() -> None:
    server = Server([b"a"], takes_s=10)
    with anyio.move_on_after(0.02):
        async with EmbeddedTransport(server, user="me").stream(GET) as stream:
            async for _ in stream.chunks:
                pass
    assert server.open == 0
