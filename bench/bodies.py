"""What requests of other shapes cost: bodies both ways, many connections, a connection each, WebSocket echo.

    python bench/bodies.py [--seconds 2] [--rounds 3] [--only get32,post10k,...]

As bench/proxy.py: CPU time of the proxy alone, read from /proc, HAProxy and Envoy in the same run, rounds interleaved, medians
shown. The unit is one request; of the WebSocket one message there and back.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import uvloop
from load import content_length
from proxy import HOST, cpu_s, process_with_port, start_proxies

PIECE = b"x" * 262_144
WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WS_KEY = base64.b64encode(b"sixteen bytes ok")
WS_FRAME = b"\x82\x8d\x00\x00\x00\x00Hello, World!"  # masked with zeros
BIG = 100 * 1024 * 1024
SLOW_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


@dataclass(frozen=True)
class Scenario:
    """`up` and `down` are bytes of the bodies. `fresh`: a new connection for each request."""

    title: str
    connections: int = 32
    up: int = 0
    down: int = 13
    fresh: bool = False
    websocket: bool = False


SCENARIOS = {
    "get32": Scenario("small GET, 32 connections"),
    "get1000": Scenario("small GET, 1000 connections", connections=1000),
    "fresh": Scenario("small GET, a connection each", fresh=True),
    "post10k": Scenario("POST of 10 kB", up=10_000),
    "down1m": Scenario("GET of 1 MB", connections=8, down=1_048_576),
    "up1m": Scenario("POST of 1 MB", connections=8, up=1_048_576),
    "down100m": Scenario("GET of 100 MB", connections=2, down=BIG),
    "up100m": Scenario("POST of 100 MB", connections=2, up=BIG),
    "websocket": Scenario("WebSocket echo", websocket=True),
}


# --- the app -----------------------------------------------------------------------------------


class _App(asyncio.Protocol):
    """Drops what is uploaded, sends as many bytes as the path asks for, echoes behind an Upgrade."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.rest = b""
        self.skip = 0
        self.asked = 0
        self.sending = 0
        self.echo = False

    def data_received(self, data: bytes) -> None:
        if self.echo:
            self.transport.write(data)
            return
        if self.skip:
            self._body(data)
            return
        self.rest += data
        head, end, body = self.rest.partition(b"\r\n\r\n")
        if not end:
            return
        self.rest = b""
        if b"pgrade: websocket" in head:
            self._switch(head)
            return
        target = head.split(b" ", 2)[1]
        if target.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(1.0, self.transport.write, SLOW_ANSWER)
            return
        last = target.rsplit(b"/", 1)[1]
        self.asked = int(last) if last else 13
        self.skip = content_length(head)
        if self.skip:
            self._body(body)
        else:
            self._answer()

    def _body(self, data: bytes) -> None:
        self.skip -= len(data)
        if self.skip <= 0:
            self._answer()

    def _answer(self) -> None:
        self.sending = self.asked
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: app\r\nContent-Length: %d\r\n\r\n"
        first = min(self.sending, 65536)
        self.transport.write(head % self.sending + PIECE[:first])
        self.sending -= first
        self._pump()

    def _pump(self) -> None:
        while self.sending and self.transport.get_write_buffer_size() < len(PIECE):
            piece = min(self.sending, len(PIECE))
            self.sending -= piece
            self.transport.write(PIECE if piece == len(PIECE) else PIECE[:piece])

    def resume_writing(self) -> None:
        self._pump()

    def pause_writing(self) -> None: ...

    def _switch(self, head: bytes) -> None:
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + WS_GUID).digest())
        self.echo = True
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )


async def _serve_app() -> None:
    server = await asyncio.get_running_loop().create_server(_App, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


# --- load --------------------------------------------------------------------------------------


class _Load:
    def __init__(self, scenario: Scenario, port: int) -> None:
        self.scenario = scenario
        self.port = port
        self.running = True
        self.count = 0
        self.dial: Callable[[], object] = lambda: None
        head = f"Host: {HOST}\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        method = "POST" if scenario.up else "GET"
        length = f"Content-Length: {scenario.up}\r\n" if scenario.up else ""
        self.head = f"{method} /bytes/{scenario.down} HTTP/1.1\r\n{head}{length}\r\n".encode()
        if scenario.websocket:
            self.head = (
                f"GET /echo/0 HTTP/1.1\r\n{head}Connection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {WS_KEY.decode()}\r\n\r\n"
            ).encode()


class _Client(asyncio.Protocol):
    """The next request when the last answer is whole."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.left = 0  # of the answer's body; -1: in its head
        self.unsent = 0
        self.rest = b""
        self.open = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        up = self.load.scenario.up
        self.left = -1
        first = min(up, 65536)
        self.unsent = up - first
        self.transport.write(self.load.head + PIECE[:first])
        self._pump()

    def _pump(self) -> None:
        while self.unsent and self.transport.get_write_buffer_size() < len(PIECE):
            piece = min(self.unsent, len(PIECE))
            self.unsent -= piece
            self.transport.write(PIECE if piece == len(PIECE) else PIECE[:piece])

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None:
        self._pump()

    def data_received(self, data: bytes) -> None:
        if self.load.scenario.websocket:
            self._message(data)
            return
        if self.left == -1:
            self.rest += data
            head, end, body = self.rest.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            self.left, self.rest, data = self.load.scenario.down, b"", body
        self.left -= len(data)
        if self.left == 0:
            self._whole()

    def _message(self, data: bytes) -> None:
        if not self.open:
            assert data.startswith(b"HTTP/1.1 101"), data
            self.open = True
            self.transport.write(WS_FRAME)
            return
        self.left = max(0, self.left) + len(data)
        if self.left >= len(WS_FRAME):
            self.left = 0
            self.load.count += 1
            if self.load.running:
                self.transport.write(WS_FRAME)

    def _whole(self) -> None:
        self.load.count += 1
        if not self.load.scenario.fresh:
            if self.load.running:
                self._send()
            return
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        load = self.load
        if not load.running:
            return
        assert load.scenario.fresh, f"connection lost under load: {exc!r}"
        load.dial()


async def _measure(pid: int, port: int, scenario: Scenario, seconds: float) -> tuple[float, float]:
    """CPU microseconds a request, and requests a second."""
    loop = asyncio.get_running_loop()
    load = _Load(scenario, port)
    async with asyncio.TaskGroup() as tasks:

        async def dial() -> None:
            await loop.create_connection(lambda: _Client(load), "127.0.0.1", port)

        load.dial = lambda: tasks.create_task(dial())
        for _ in range(scenario.connections):
            await dial()
        await asyncio.sleep(0.3)
        count, cpu, began = load.count, cpu_s(pid), time.perf_counter()
        deadline = began + seconds
        while time.perf_counter() < deadline or load.count == count:
            await asyncio.sleep(0.05)
            assert time.perf_counter() < deadline + 30, f"nothing happens: {scenario.title}"
        cpu, elapsed, count = cpu_s(pid) - cpu, time.perf_counter() - began, load.count - count
        load.running = False
        await asyncio.sleep(0.2)
    return cpu / count * 1e6, count / elapsed


def measure(
    names: list[str], *, seconds: float = 2.0, rounds: int = 3
) -> Iterator[tuple[Scenario, dict[str, tuple[float, float]]]]:
    """For each scenario: proxy to (CPU µs a request, requests a second); `direct` is the app itself."""
    with ExitStack() as stack:
        pid, app = process_with_port(stack, sys.executable, __file__, "--serve-app")
        found = {"direct": (pid, app), **start_proxies(stack, app)}
        for name in names:
            scenario = SCENARIOS[name]
            runs: dict[str, list[tuple[float, float]]] = {who: [] for who in found}
            for _ in range(rounds):
                for who, (pid, port) in found.items():
                    runs[who].append(uvloop.run(_measure(pid, port, scenario, seconds)))
            yield (
                scenario,
                {
                    who: (
                        statistics.median(cpu for cpu, _ in each),
                        statistics.median(rate for _, rate in each),
                    )
                    for who, each in runs.items()
                },
            )


def render(scenario: Scenario, found: dict[str, tuple[float, float]]) -> str:
    ours = found["tanebi"][0]
    cells = []
    for who, (cpu, rate) in found.items():
        ratio = f" (ours {ours / cpu:.2f}x)" if who not in ("direct", "tanebi") and cpu else ""
        cells.append(f"{who} {cpu:.1f} us {rate:.0f}/s{ratio}")
    return f"{scenario.title:30} " + "   ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--serve-app", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve_app:
        uvloop.run(_serve_app())
        return
    for scenario, found in measure(args.only.split(","), seconds=args.seconds, rounds=args.rounds):
        print(render(scenario, found), flush=True)


if __name__ == "__main__":
    main()
