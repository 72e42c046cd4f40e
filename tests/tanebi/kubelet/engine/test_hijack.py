"""The one request that is written by hand: its answers, whole and in pieces, and a stream after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream

from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.hijack import Hijacked, hijack

pytestmark = pytest.mark.anyio


async def asked(
    socket: Path, answer: bytes, then: Callable[[Hijacked], Awaitable[None]] | None = None
) -> bytes:
    """What an engine that gives this answer was sent."""
    heard = b""

    async def serve(stream: ByteStream) -> None:
        nonlocal heard
        async with stream:
            heard = await stream.receive()
            for at in range(0, len(answer), 7):
                await stream.send(answer[at : at + 7])
            async for chunk in stream:
                await stream.send(chunk.upper())

    listener = await anyio.create_unix_listener(socket)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        failed: Exception | None = None
        try:
            with anyio.fail_after(10):
                stream = await hijack(socket, "/exec/x/start", {"a": "b c"}, {"Tty": True})
                if then is not None:
                    await then(stream)
                await stream.close()
        except (EngineError, EngineGone) as error:
            failed = error
        tasks.cancel_scope.cancel()
    await listener.aclose()
    if failed is not None:
        raise failed
    return heard


@pytest.mark.parametrize("status", [b"101 UPGRADED", b"200 OK"])
async def test_a_stream(tmp_path: Path, status: bytes) -> None:
    async def then(stream: Hijacked) -> None:
        assert await stream.receive() == b"early"[:5]
        await stream.send(b"abc")
        await stream.send_end()
        assert await stream.receive() == b"ABC"
        assert await stream.receive() == b""

    head = b"HTTP/1.1 %b\r\nX: y\r\n\r\n" % status
    pad = b"early" if (len(head) + 5) % 7 == 0 else b""
    if not pad:
        head = b"HTTP/1.1 %b\r\nX: %b\r\n\r\n" % (status, b"y" * (1 + 7 - (len(head) + 5) % 7))
    heard = await asked(tmp_path / "s", head + b"early", then)
    assert heard.startswith(b"POST /exec/x/start?a=b+c HTTP/1.1\r\n")
    assert heard.endswith(b'\r\n\r\n{"Tty": true}')


async def test_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such exec") as refused:
        await asked(tmp_path / "s", b'HTTP/1.1 404 Not\r\n\r\n{"message":"no such exec"}')
    assert refused.value.status == 404


async def test_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineGone):
        await hijack(tmp_path / "none", "/x", {}, None)
    with pytest.raises(EngineGone):
        await asked(tmp_path / "s", b"no http\r\n\r\n")
