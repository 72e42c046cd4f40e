from __future__ import annotations

import pytest

from tanebi.http.errors import ConnectFailed
from tanebi.http.messages import HttpResponse
from tanebi.testing.sender import ScriptedSender

pytestmark = pytest.mark.anyio


async def test_it_records_and_answers_by_script() -> None:
    script = [ConnectFailed("connect-failed", "no"), HttpResponse(429)]
    sender = ScriptedSender(lambda n: script[n] if n < 2 else None)

    async def send() -> HttpResponse:
        return await sender.send(
            "POST", "http://a/", [(b"CE-Id", b"1")], b"x", wait_s=1, timeout_s=1, response_max=1
        )

    with pytest.raises(ConnectFailed):
        await send()
    assert (await send()).status == 429
    assert (await send()).status == 202
    assert [sent.headers["ce-id"] for sent in sender.sent] == ["1"] * 3
