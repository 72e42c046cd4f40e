"""A call whose connection becomes a stream of bytes both ways: how the Engine API gives the input and output of a command.

HTTP clients cannot do that with a half-close, so this one request is written by hand. Caller: tanebi.kubelet.engine.client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import anyio
from anyio.abc import ByteStream

from tanebi.api.meta import Obj
from tanebi.kubelet.engine.errors import EngineError, EngineGone

HEAD_MAX: Final = 64 * 1024
ERROR_MAX: Final = 64 * 1024
READ_BYTES: Final = 64 * 1024
ANSWER_S: Final = 30.0
END: Final = b"\r\n\r\n"
_TAKEN: Final = (101, 200)  # Docker says 200 to who did not ask for an upgrade


class Hijacked:
    """The stream. Every failure is an OSError."""

    def __init__(self, stream: ByteStream, begun: bytes) -> None:
        self._stream = stream
        self._begun = begun  # what came with the head

    async def receive(self) -> bytes:
        """Empty at the end."""
        if self._begun:
            data, self._begun = self._begun, b""
            return data
        try:
            return await self._stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ConnectionResetError("the engine's connection broke") from error

    async def send(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ConnectionResetError("the engine's connection broke") from error

    async def send_end(self) -> None:
        try:
            await self._stream.send_eof()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise ConnectionResetError("the engine's connection broke") from error

    async def close(self) -> None:
        await self._stream.aclose()


async def hijack(socket: Path, path: str, query: Mapping[str, str], body: Obj | None) -> Hijacked:
    """Raises EngineError, EngineGone."""
    content = json.dumps(body).encode() if body is not None else b""
    target = f"{path}?{urlencode(query)}" if query else path
    head = (
        f"POST {target} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    try:
        with anyio.fail_after(ANSWER_S):
            stream = await anyio.connect_unix(socket)
            try:
                await stream.send(head.encode("latin-1") + content)
                return await _answer(stream, path)
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await stream.aclose()
                raise
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise EngineGone(f"{path}: {error or type(error).__name__}") from error


async def _answer(stream: ByteStream, path: str) -> Hijacked:
    received = b""
    while END not in received:
        if len(received) > HEAD_MAX:
            raise EngineGone(f"{path}: the head of the answer exceeds {HEAD_MAX} bytes")
        received += await stream.receive(READ_BYTES)
    head, _, rest = received.partition(END)
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise EngineGone(f"{path}: the answer is no HTTP")
    status = int(words[1])
    if status in _TAKEN:
        return Hijacked(stream, rest)
    raise EngineError(status, _message(await _rest(stream, rest)))


async def _rest(stream: ByteStream, begun: bytes) -> bytes:
    """Of an error: as much as comes at once."""
    while len(begun) < ERROR_MAX and not begun.rstrip().endswith((b"}", b"0")):
        begun += await stream.receive(READ_BYTES)
    return begun


def _message(content: bytes) -> str:
    start, end = content.find(b"{"), content.rfind(b"}")
    try:
        found = json.loads(content[start : end + 1])
        return str(found.get("message") or found)
    except (ValueError, AttributeError):
        return content.decode("utf-8", "replace").strip() or "no reason was given"
