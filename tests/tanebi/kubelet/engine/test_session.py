"""What is asked of the engine for a session, and its stream taken apart. The whole of it: tests/contract/test_pod_runtime.py."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.podstreams import STDERR, STDOUT, Wish
from tanebi.kubelet.engine import session
from tanebi.kubelet.engine.errors import EngineGone
from tanebi.kubelet.runtime import Exit

pytestmark = pytest.mark.anyio


class Stream:
    def __init__(self, *chunks: bytes) -> None:
        self._chunks = [*chunks, b""]
        self.sent: list[bytes | None] = []

    async def receive(self) -> bytes:
        return self._chunks.pop(0)

    async def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def send_end(self) -> None:
        self.sent.append(None)

    async def close(self) -> None:
        self.sent.append(b"closed")


class Client:
    def __init__(self, stream: Stream, *, tty: bool = False) -> None:
        self.asked: list[Any] = []
        self._stream = stream
        self._tty = tty
        self._states = [{"Running": True}, {"Running": False, "ExitCode": 5}]

    async def exec_create(self, container: str, body: Any) -> str:
        self.asked.append(body)
        return "e1"

    async def hijack(self, path: str, query: Any, body: Any = None) -> Stream:
        self.asked.append((path, query, body))
        return self._stream

    async def exec_inspect(self, exec_id: str) -> Any:
        return self._states.pop(0)

    async def inspect(self, container: str) -> Any:
        return {"Config": {"Tty": self._tty}}

    async def resize(self, path: str, columns: int, rows: int) -> None:
        raise EngineGone("gone")


async def test_a_command() -> None:
    stream = Stream(b"\1\0\0\0\0\0\0\2ou", b"\2\0\0\0\0\0\0\3err")
    client: Any = Client(stream)
    made = await session.execute(client, "c1", ["ls"], Wish(stdin=True))
    assert client.asked[0]["Cmd"] == ["ls"]
    assert client.asked[1] == ("/exec/e1/start", {}, {"Detach": False, "Tty": False})
    assert [p async for p in made.output()] == [(STDOUT, b"ou"), (STDERR, b"err")]
    assert await made.wait() == 5
    await made.write(b"x")
    await made.write_end()
    await made.resize(80, 24)  # a failure is no reason to end
    await made.close()
    assert stream.sent == [b"x", None, b"closed"]


async def test_a_terminal_is_not_framed_and_ends_by_a_character() -> None:
    stream = Stream(b"raw")
    client: Any = Client(stream)
    made = await session.execute(client, "c1", ["sh"], Wish(stdin=True, tty=True))
    assert client.asked[0]["Env"] == ["TERM=xterm"]
    assert [p async for p in made.output()] == [(STDOUT, b"raw")]
    await made.write_end()
    assert stream.sent == [b"\x04"]


async def test_a_container() -> None:
    async def wait() -> Exit:
        return Exit(7)

    client: Any = Client(Stream(b"raw"), tty=True)
    made = await session.attach(client, "c1", Wish(), wait)
    assert client.asked[0][0] == "/containers/c1/attach"
    assert [p async for p in made.output()] == [(STDOUT, b"raw")]
    assert await made.wait() == 7


async def test_a_frame_that_is_none() -> None:
    client: Any = Client(Stream(b"no frame"))
    made = await session.execute(client, "c1", ["ls"], Wish())
    with pytest.raises(OSError, match="frame"):
        [p async for p in made.output()]
