"""The client and the app of the tests, against each other."""

from __future__ import annotations

import pytest

from tanebi.testing.h2 import H2App, connect_h2, serving_h2

pytestmark = pytest.mark.anyio


async def test_they_understand_each_other() -> None:
    app = H2App()
    async with serving_h2(app) as at:
        client = await connect_h2(at)
        number = client.begin("/x", host="h", method="POST", ended=False)
        await client.send(number, b"y" * 200_000)
        client.end(number, [(b"x-sum", b"1")])
        answer = await client.answer(number)
        assert (answer.status, len(answer.body)) == (200, 200_000)
        assert app.requests[0].trailers == [(b"x-sum", b"1")]
        number = client.begin(host="h", ended=False)
        client.reset(number)
        assert (await client.get(host="h")).status == 200
        assert app.resets == [8]
        client.close()
