"""What only the way over a socket can do wrong. Behaviour against a server: tests/contract/test_kube_api.py."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import yaml
from anyio.abc import SocketStream

from tanebi.base.errors import UserError
from tanebi.kube.direct import DirectTransport, of_kubeconfig
from tanebi.kube.errors import Unreachable
from tanebi.kube.transport import Request

pytestmark = pytest.mark.anyio

GET = Request("GET", "/api/v1/pods", {"labelSelector": "a in (b,c)"}, {"accept": "x/y"})


@asynccontextmanager
async def answering(*parts: bytes) -> AsyncIterator[tuple[DirectTransport, list[bytes]]]:
    """A plain HTTP server that sends `parts` and closes, and a transport to it."""
    seen: list[bytes] = []

    async def serve(stream: SocketStream) -> None:
        async with stream:
            seen.append(await stream.receive())
            for part in parts:
                await stream.send(part)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield DirectTransport(f"http://127.0.0.1:{port}/base", ca_pem="", token="secret"), seen
        tasks.cancel_scope.cancel()


async def test_a_request_and_its_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\n"
    async with answering(head, b"{}") as (transport, seen):
        answer = await transport.request(GET, timeout_s=5)
        assert (answer.status, answer.headers["x-a"], answer.body) == (200, "b", b"{}")
        assert seen[0].startswith(
            b"GET /base/api/v1/pods?labelSelector=a+in+%28b%2Cc%29 HTTP/1.1\r\n"
        )
        assert b"authorization: Bearer secret\r\n" in seen[0]
        assert b"accept: x/y\r\n" in seen[0]


@pytest.mark.parametrize(
    "parts",
    [(), (b"nonsense\r\n\r\n",), (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",)],
)
async def test_an_answer_that_is_none_is_unreachable(parts: tuple[bytes, ...]) -> None:
    async with answering(*parts) as (transport, _):
        with pytest.raises(Unreachable, match="GET /api/v1/pods"):
            await transport.request(GET, timeout_s=5)


async def test_nobody_there_and_nobody_answering() -> None:
    with pytest.raises(Unreachable):
        await DirectTransport("http://127.0.0.1:1", ca_pem="", token="t").request(GET, timeout_s=5)
    async with answering(b"HTTP/1.1 200 OK\r\n") as (transport, _):
        with pytest.raises(Unreachable):
            await transport.request(GET, timeout_s=0.05)


async def test_a_stream_that_breaks_says_so() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    async with answering(head) as (transport, _), transport.stream(GET) as stream:
        assert await anext(aiter(stream.chunks)) == b"abc"
        with pytest.raises(Unreachable):
            await anext(aiter(stream.chunks))


def kubeconfig(folder: Path, user: dict[str, str], **cluster: str) -> Path:
    path = folder / "config"
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "https://h:1", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_only_a_token_and_an_authority_are_enough(tmp_path: Path) -> None:
    data = base64.b64encode(b"").decode()
    ours = {"certificate-authority-data": data}
    assert of_kubeconfig(kubeconfig(tmp_path, {"token": "t"}, **ours)) is not None
    assert of_kubeconfig(kubeconfig(tmp_path, {"username": "u"}, **ours)) is None
    assert of_kubeconfig(kubeconfig(tmp_path, {"token": "t"})) is None
    with pytest.raises(UserError, match="cannot connect"):
        of_kubeconfig(tmp_path / "missing")
