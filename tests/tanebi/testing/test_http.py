"""The helpers read and write what they say."""

from __future__ import annotations

import pytest

from tanebi.testing.http import answering, connect, ok, serving

pytestmark = pytest.mark.anyio


async def test_client_and_app_understand_each_other() -> None:
    async with serving(
        answering(lambda head, body: ok(head.split()[1] + body, b"X-A: b"))
    ) as address:
        client = await connect(address)
        client.get("/one", host="h")
        answer = await client.answer()
        assert (answer.status, answer.body, answer.header("x-a")) == (200, b"/one", b"b")
        client.send(
            b"POST /two HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
        assert (await client.answer()).body == b"/twoabc"
        client.send(b"POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
        assert (await client.answer()).body == b"/3hi"
        client.close()


async def test_an_app_that_answers_nothing_hangs_up() -> None:
    async with serving(answering(lambda head, body: b"")) as address:
        client = await connect(address)
        client.get(host="h")
        assert await client.closed() == b""
