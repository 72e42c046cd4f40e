"""Requests in, answers out, one at a time and in order."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from tanebi.http.server import ServerLimits
from tanebi.testing.waiting import wait_until
from tests.tanebi.http.echoing import echo

pytestmark = pytest.mark.anyio


async def test_clients_that_leave_are_told_to_the_sink() -> None:
    async with echo() as (app, client, server):
        app.hold = True
        client.get(host="h")
        await wait_until(lambda: app.begun)
        client.reset()
        await wait_until(lambda: app.left == 1)
        await wait_until(lambda: not server.connections)


async def test_connection_close_is_honoured() -> None:
    async with echo() as (_, client, _):
        client.get("/x", host="h", extra="Connection: close\r\n")
        got = await client.closed()
        assert b"Connection: close\r\n" in got
        assert got.endswith(b"GET /x ")


async def test_a_whole_answer_to_head_has_no_body() -> None:
    async with echo() as (_, client, _):
        client.get("/x", host="h", method="HEAD")
        answer = await client.answer(method="HEAD")
        assert (answer.header("content-length"), answer.body) == (b"8", b"")


async def test_many_pipelined_requests_do_not_deepen_the_stack_or_lose_order() -> None:
    async with echo() as (app, client, _):
        count = 3000
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(count)))
        for i in range(count):
            assert (await client.answer()).body == b"GET /%d " % i
        assert len(app.begun) == count


async def test_a_client_that_never_reads_is_not_answered_without_end() -> None:
    async with echo() as (app, client, _):
        client.writer.transport.pause_reading()
        request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
        sent = 0
        with anyio.move_on_after(2):
            while sent < 4000:
                client.send(request)
                sent += 1
                await client.writer.drain()
        assert sent < 4000
        before = -1
        while before != len(app.begun):
            before = len(app.begun)
            await asyncio.sleep(0.2)
        assert before < 2000


async def test_a_client_that_has_ended_its_side_is_answered() -> None:
    async with echo() as (app, client, server):
        app.hold = True
        client.send(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3")
        client.end()
        await wait_until(lambda: app.begun)
        app.hold = False
        app.begun[0].respond(200, (), b"one")
        assert (await client.answer()).body == b"one"
        got = await client.closed()
        assert got.endswith(b"GET /2 ")
        assert b"\r\nConnection: close\r\n" in got
        assert len(app.begun) == 2
        await wait_until(lambda: not server.connections)


async def test_half_a_request_and_an_end_is_a_client_that_left() -> None:
    async with echo() as (app, client, server):
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab")
        await wait_until(lambda: app.begun)
        client.end()
        await wait_until(lambda: app.left == 1)
        assert await client.closed() == b""
        assert not server.connections


async def test_a_client_that_ended_is_taken_for_gone_after_a_silence() -> None:
    async with echo(ServerLimits(half_closed_s=0.3, drain_s=0.1)) as (app, client, server):
        app.hold = True
        client.get(host="h")
        await wait_until(lambda: app.begun)
        client.end()
        await wait_until(lambda: app.left == 1)
        assert not server.connections


async def test_an_idle_client_that_ends_is_let_go() -> None:
    async with echo() as (_, client, server):
        client.get(host="h")
        await client.answer()
        client.end()
        assert await client.closed() == b""
        assert not server.connections


async def test_what_came_whole_before_garbage_is_answered_first() -> None:
    async with echo() as (app, client, _):
        app.hold = True
        client.send(
            b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGARBAGE\r\n\r\n"
        )
        await wait_until(lambda: app.begun)
        app.hold = False
        app.begun[0].respond(200, (), b"one")
        assert (await client.answer()).body == b"one"
        assert (await client.answer()).body == b"GET /2 "
        assert (await client.answer()).status == 400
        assert await client.closed() == b""


async def test_what_follows_the_last_request_is_ignored() -> None:
    async with echo() as (app, client, _):
        app.hold = True
        client.send(b"GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGARBAGE")
        await wait_until(lambda: app.begun)
        app.begun[0].respond(200, (), b"one")
        assert (await client.closed()).endswith(b"\r\n\r\none")


async def test_what_stands_before_a_head_in_its_read_is_not_counted_as_the_head() -> None:
    async with echo() as (app, client, _):
        many = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n" * 8000
        post = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 150000\r\n\r\n" + b"y" * 150_000
        client.send(many + post + many)
        for _ in range(8000):
            assert (await client.answer()).body == b"GET /x "
        assert len((await client.answer()).body) == 150_008
        for _ in range(8000):
            assert (await client.answer()).body == b"GET /x "
        assert len(app.begun) == 16_001
