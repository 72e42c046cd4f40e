from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tanebi.base.errors import Unavailable, UserError
from tanebi.base.stages import first_cause
from tanebi.cli.platform import access
from tanebi.cli.podnames import find_pod
from tanebi.cli.portforward import Forwarder, addresses, listen
from tanebi.cli.ports import Forward
from tanebi.cli.websocket import Door
from tanebi.testing.waiting import wait_until
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import GONE, REFUSING_PORT, pod, running

HOSTS = ["127.0.0.1"]


def test_addresses() -> None:
    assert addresses("localhost") == ["127.0.0.1", "::1"]
    assert addresses("0.0.0.0, ::") == ["0.0.0.0", "::"]
    for bad in ("", "example.com", "localhost,"):
        with pytest.raises(UserError, match="no address"):
            addresses(bad)


@pytest.mark.anyio
async def test_one_port_number_at_all_addresses() -> None:
    found = await listen(Forward(0, 80), ["127.0.0.1", "127.0.0.2", "192.0.2.1"])
    try:
        assert [one.shown() for one in found] == [
            f"127.0.0.1:{found[0].local}",
            f"127.0.0.2:{found[0].local}",
        ]
        with pytest.raises(UserError, match="belongs to another program") as raised:
            await listen(Forward(found[0].local, 80), HOSTS)
        assert ":80 for any free one" in raised.value.hint
        with pytest.raises(UserError, match="cannot be had"):
            await listen(Forward(0, 80), ["192.0.2.1"])
    finally:
        for one in found:
            await one.listener.aclose()


class Running:
    """A forwarder that runs, and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""
        self.code: int | None = None

    def look(self) -> Running:
        said = self._capsys.readouterr()
        self.out, self.err = self.out + said.out, self.err + said.err
        return self

    def ports(self) -> list[int]:
        return [int(port) for port in re.findall(r"from 127\.0\.0\.1:(\d+) ->", self.look().out)]


@asynccontextmanager
async def forwarding(
    shell: Shell, capsys: pytest.CaptureFixture[str], ns: str, name: str, *remotes: int
) -> AsyncIterator[Running]:
    """Interrupted at the end."""
    api = shell.api
    await anyio.to_thread.run_sync(running, shell, pod(name, ns, ports=[{"containerPort": 80}]))
    found = await anyio.to_thread.run_sync(find_pod, api, name, ns)
    api.close()
    forwarder, state = Forwarder(Door(access(shell.home), shell.home), found), Running(capsys)

    async def run() -> None:
        state.code = await forwarder.run([Forward(0, port) for port in remotes], HOSTS)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await wait_until(lambda: len(state.ports()) == len(remotes))
            yield state
            os.kill(os.getpid(), signal.SIGINT)


async def asked(port: int, text: bytes) -> bytes:
    """The whole answer to all we say."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(text)
        await stream.send_eof()
        return b"".join([data async for data in stream])


@pytest.mark.anyio
async def test_connections_until_it_is_interrupted(
    shell: Shell, ns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with forwarding(shell, capsys, ns, "web", 80, 8080, REFUSING_PORT) as state:
        first, second, refusing = state.ports()
        answers: list[bytes] = []

        async def ask(port: int, text: bytes) -> None:
            answers.append(await asked(port, text))

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(ask, (first, second)[number % 2], b"word" * 50_000)
        assert answers == [b"WORD" * 50_000] * 6
        assert await asked(refusing, b"x") == b""
    assert state.look().code == 0
    assert state.out.count(f"Handling connection for {first}\n") == 3
    assert state.out.startswith(f"Forwarding from 127.0.0.1:{first} -> 80\n")
    why = f"an error occurred forwarding {REFUSING_PORT}: failed to connect to port {REFUSING_PORT}"
    assert state.err == f"error: {why}\n"


@pytest.mark.anyio
async def test_a_client_that_resets_lets_go(
    shell: Shell, ns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with forwarding(shell, capsys, ns, "web", 80) as state:
        [port] = state.ports()
        raw = socket.create_connection(("127.0.0.1", port))
        await wait_until(lambda: "Handling" in state.look().out)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
        assert await asked(port, b"next") == b"NEXT"
    assert state.code == 0


@pytest.mark.anyio
@pytest.mark.parametrize("seen", ["at a connection", "while nobody connects"])
async def test_the_end_of_the_pod_is_the_end(
    shell: Shell, ns: str, capsys: pytest.CaptureFixture[str], seen: str
) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        async with forwarding(shell, capsys, ns, GONE, 80) as state:
            if seen == "at a connection":
                async with await anyio.connect_tcp("127.0.0.1", state.ports()[0]):
                    await anyio.sleep_forever()
            path = f"/api/v1/namespaces/{ns}/pods/{GONE}"
            status = {"phase": "Succeeded"}
            await anyio.to_thread.run_sync(shell.set_status, path, status)
            await anyio.sleep_forever()
    cause = first_cause(raised.value)
    assert isinstance(cause, Unavailable)
    assert (cause.code, "lost connection to pod gone" in cause.message) == ("stream-lost", True)


def test_what_cannot_be_forwarded(shell: Shell, ns: str) -> None:
    shell.apply(pod("pending", ns))
    called = shell("port-forward", "-n", ns, "pending", "80")
    assert (called.code, "pod is not running. Current status=" in called.err) == (1, True)
    running(shell, pod("web", ns, ports=[{"containerPort": 80, "name": "http"}]))
    assert "it has: 80 (http)" in shell("port-forward", "-n", ns, "web", "grpc").err
    assert "names no ports" in shell("port-forward", "-n", ns, "web", "x:80").err
    assert shell("port-forward", "-n", ns, "web").code == 2
