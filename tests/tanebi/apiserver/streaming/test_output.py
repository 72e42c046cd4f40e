"""Output as WebSocket messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tanebi.apiserver.streaming.door import Head
from tanebi.apiserver.streaming.output import serve_output
from tanebi.kube.errors import BadRequest, Forbidden
from tanebi.kube.transport import Stream

pytestmark = pytest.mark.anyio
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


class Wire:
    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    async def send(self, data: bytes) -> None:
        self.sent += data

    async def close(self) -> None:
        self.closed = True


async def served(wire: Wire, **headers: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    given = {b"sec-websocket-" + name.encode(): value for name, value in headers.items()}
    head = Head("GET", "/log", b"", tuple(given.items()), b"websocket")
    found: Any = wire
    await serve_output(head, found, Stream(200, {}, chunks()))


async def test_a_message_for_each_piece() -> None:
    wire = Wire()
    await served(wire, protocol=b"binary.k8s.io", key=KEY, version=b"13")
    head, _, rest = wire.sent.partition(b"\r\n\r\n")
    assert b"101 Switching" in head
    assert rest.startswith(b"\x82\x03one\x82\x03two\x88")
    assert wire.closed


async def test_refusals_come_before_the_switch() -> None:
    wire = Wire()
    with pytest.raises(Forbidden, match="unable to negotiate protocol"):
        await served(wire, protocol=b"other")
    with pytest.raises(BadRequest):
        await served(wire, protocol=b"binary.k8s.io", key=KEY, version=b"8")
    assert wire.sent == b""
