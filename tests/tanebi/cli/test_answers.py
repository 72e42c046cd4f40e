"""Answers line by line, from a peer that says what the test wants."""

from __future__ import annotations

import anyio
import pytest
from anyio.streams.stapled import StapledByteStream

from tanebi.base.errors import PeerError
from tanebi.cli import answers
from tanebi.cli.answers import Answer, SocketLost
from tanebi.cli.client import ApiFailure

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Peer(anyio.abc.ByteReceiveStream, anyio.abc.ByteSendStream):
    """Says `text` in pieces, then hangs up."""

    def __init__(self, text: bytes, piece: int) -> None:
        self._pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
        self.heard = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._pieces:
            raise anyio.EndOfStream
        return self._pieces.pop(0)

    async def send(self, item: bytes) -> None:
        self.heard += item

    async def aclose(self) -> None: ...


async def lines_of(text: bytes, piece: int) -> list[bytes]:
    peer, found = Peer(text, piece), []
    async with Answer(StapledByteStream(peer, peer)) as answer:
        await answer.begin(b"GET / HTTP/1.1\r\n\r\n")
        while (line := await answer.line()) is not None:
            found.append(line)
    assert peer.heard == b"GET / HTTP/1.1\r\n\r\n"
    return found


@pytest.mark.parametrize("piece", [1, 7, 1000])
async def test_lines(piece: int) -> None:
    text = OK + b"3\r\na\nb\r\n2\r\nc\n\r\n1\r\nd\r\n"
    assert await lines_of(text + b"0\r\n\r\n", piece) == [b"a", b"bc", b"d"]
    assert await lines_of(text, piece) == [b"a", b"bc"]
    assert await lines_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", piece) == []


@pytest.mark.parametrize(
    ("text", "raised"),
    [
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", ApiFailure),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{", SocketLost),
        (b"SSH-2.0\r\n", PeerError),
        (b"", SocketLost),
    ],
)
async def test_what_is_no_answer(text: bytes, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        await lines_of(text, 1000)


async def test_a_line_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LINE_MAX_BYTES", 10)
    with pytest.raises(PeerError, match="more than 10 bytes"):
        await lines_of(OK + b"20\r\n" + b"x" * 32, 8)
