"""What upgrades, through the real door: only the streams of pods, and only for who may enter."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import anyio
import pytest

from tanebi.apiserver import pki
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.base.clock import SystemClock
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-some-length"
WEBSOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
    "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n"
)
SPDY = (
    "Upgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
)
EXEC = "/api/v1/namespaces/default/pods/p/exec?command=ls"


async def test_what_upgrades(running: Api, tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path / "pki", now=SystemClock().wall())
    door = HttpsDoor(running.server, listen("127.0.0.1", 0), keys, token=TOKEN)
    context = ssl.create_default_context(cadata=keys.ca_pem.decode())

    async def ask(method: str, path: str, headers: str, token: str = TOKEN) -> bytes:
        stream = await anyio.connect_tcp(
            "127.0.0.1",
            door.port,
            ssl_context=context,
            tls_hostname="localhost",
            tls_standard_compatible=False,
        )
        async with stream:
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{headers}"
            await stream.send(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
            answer = b""
            with anyio.fail_after(10):
                while not answer.endswith(b"}"):
                    answer += await stream.receive()
            return answer

    async with anyio.create_task_group() as tasks:
        await tasks.start(door.run)
        for method, headers in (("GET", WEBSOCKET), ("POST", SPDY)):
            assert (await ask(method, EXEC, headers, "wrong")).startswith(b"HTTP/1.1 401 ")
            assert b"no pods run here" in await ask(method, EXEC, headers)  # there is no kubelet
            assert (await ask("GET", "/version", headers)).startswith(b"HTTP/1.1 200 ")
        assert b"Upgrade request required" in await ask("POST", EXEC, "")
        assert b"Upgrade request required" in await ask("GET", EXEC, "Upgrade: h2c\r\n")
        tasks.cancel_scope.cancel()
