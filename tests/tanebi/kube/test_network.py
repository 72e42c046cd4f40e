"""What only the network can do wrong. Behaviour against a server: tests/contract/test_kube_api.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import yaml
from anyio.abc import SocketStream

from tanebi.base.errors import UserError
from tanebi.kube.errors import Unreachable
from tanebi.kube.network import NetworkTransport, connect
from tanebi.kube.transport import Request

pytestmark = pytest.mark.anyio

GET = Request("GET", "/api/v1/pods", {"labelSelector": "a in (b,c)"}, {"accept": "x/y"})


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "config"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "secret-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config))
    return path


@asynccontextmanager
async def answering(
    folder: Path, *parts: bytes, wait_s: float = 0.0
) -> AsyncIterator[tuple[NetworkTransport, list[bytes]]]:
    """A plain HTTP server that sends `parts` and closes, and a transport to it."""
    seen: list[bytes] = []

    async def serve(stream: SocketStream) -> None:
        async with stream:
            seen.append(await stream.receive())
            await anyio.sleep(wait_s)
            for part in parts:
                await stream.send(part)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        async with connect(kubeconfig(folder, f"http://127.0.0.1:{port}/base")) as transport:
            yield transport, seen
        tasks.cancel_scope.cancel()


OK = b"HTTP/1.1 200 OK\r\nX-Some: v\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_request_as_it_is_sent(tmp_path: Path) -> None:
    async with answering(tmp_path, OK + b"hello") as (transport, seen):
        answer = await transport.request(GET, timeout_s=5)
    assert (answer.status, answer.body, answer.headers["x-some"]) == (200, b"hello", "v")
    head = seen[0].lower()
    assert head.startswith(b"get /base/api/v1/pods?labelselector=a+in+%28b%2cc%29 http/1.1")
    assert b"authorization: bearer secret-token" in head
    assert b"accept: x/y" in head


async def test_a_stream_comes_in_pieces(tmp_path: Path) -> None:
    parts = [CHUNKED, b"2\r\na\n\r\n", b"2\r\nb\n\r\n", b"0\r\n\r\n"]
    async with answering(tmp_path, *parts) as (transport, _):
        async with transport.stream(GET) as stream:
            assert stream.status == 200
            assert b"".join([chunk async for chunk in stream.chunks]) == b"a\nb\n"


async def test_a_stream_that_breaks(tmp_path: Path) -> None:
    async with answering(tmp_path, CHUNKED, b"2\r\na\n\r\n") as (transport, _):
        with pytest.raises(Unreachable):
            async with transport.stream(GET) as stream:
                assert [chunk async for chunk in stream.chunks] == []


@pytest.mark.parametrize("parts", [(), (b"nonsense\r\n\r\n",), (OK + b"he",)])
async def test_no_whole_answer(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    async with answering(tmp_path, *parts) as (transport, _):
        with pytest.raises(Unreachable, match="GET /api/v1/pods"):
            await transport.request(GET, timeout_s=5)


async def test_an_answer_that_does_not_come_in_time(tmp_path: Path) -> None:
    async with answering(tmp_path, wait_s=5) as (transport, _):
        with pytest.raises(Unreachable):
            await transport.request(GET, timeout_s=0.1)


async def test_nobody_there(tmp_path: Path) -> None:
    async with connect(kubeconfig(tmp_path, "http://127.0.0.1:1")) as transport:
        with pytest.raises(Unreachable):
            await transport.request(GET, timeout_s=5)
        with pytest.raises(Unreachable):
            async with transport.stream(GET):
                raise AssertionError("opened")


async def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters: []\n")
    for where in (path, tmp_path / "none"):
        with pytest.raises(UserError) as caught:
            async with connect(where):
                raise AssertionError("connected")
        assert str(where) in caught.value.message


async def test_outside_of_a_cluster_there_is_no_service_account() -> None:
    with pytest.raises(UserError, match="service account"):
        async with connect(None):
            raise AssertionError("connected")


def test_without_the_package_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['kubernetes'] = None\n"
        "from tanebi.base.errors import UserError\n"
        "try:\n"
        "    import tanebi.kube.network\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'tanebi[kubernetes]'" in done.stdout


def test_nothing_else_imports_the_package() -> None:
    code = "import sys, tanebi.kube.engine, tanebi.kube.client; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
