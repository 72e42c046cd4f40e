"""Requests answered in the process: limits, expectations, failures."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tanebi.http.messages import HttpRequest, HttpResponse
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

HEAD = b"POST /ns/b HTTP/1.1\r\nHost: localhost\r\n"


class Handler:
    body_max = 1000

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.entered, self.go = anyio.Event(), anyio.Event()
        self.finished = 0

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.bodies.append(request.body)
        if request.target == "/bug":
            raise RuntimeError("a bug")
        if request.target == "/slow":
            self.entered.set()
            await self.go.wait()
        self.finished += 1
        return HttpResponse(202)


async def test_bodies_in_pieces_and_chunks(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.send(HEAD + b"Content-Length: 5\r\n\r\nhe")
        await anyio.sleep(0.02)
        client.send(b"llo")
        assert (await client.answer()).status == 202
        client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert (await client.answer()).status == 202
        assert handler.bodies == [b"hello", b"abc"]


async def test_a_body_that_is_announced_too_large_is_refused_unread(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 50000000\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.header("connection")) == (413, b"close")
        assert b"1000 bytes" in answer.body
        assert handler.bodies == []


async def test_a_body_that_turns_out_too_large_is_refused(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            client.send(b"190\r\n" + b"x" * 400 + b"\r\n")
        assert (await client.answer()).status == 413
        assert handler.bodies == []


async def test_an_expectation_is_met(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"ok")
        assert (await client.answer()).status == 202


async def test_a_bug_gives_500_and_the_gateway_lives_on(world: Any) -> None:
    async with world() as w:
        w.gateway.mount(["localhost"], Handler())
        client = await w.client()
        client.get("/bug", host="localhost")
        assert (await client.answer()).status == 500
        client.get("/", host="localhost")
        assert (await client.answer()).status == 202


async def test_who_accepted_a_request_ends_it_though_the_client_left(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.get("/slow", host="localhost")
        await handler.entered.wait()
        client.reset()
        await wait_until(lambda: not w.gateway._servers[0].connections)
        handler.go.set()
        await wait_until(lambda: handler.finished == 1)


async def test_pipelined_posts_are_answered_in_order(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost"], handler)
        client = await w.client()
        client.send(b"".join(HEAD + b"Content-Length: 1\r\n\r\n%d" % i for i in range(10)))
        for _ in range(10):
            assert (await client.answer()).status == 202
        assert handler.bodies == [b"%d" % i for i in range(10)]
