"""Load and sinks for the measurements: one event over many kept connections, and a server that counts what it gets.

On asyncio.Protocol, so that neither side costs more than what is measured. Blocking functions start and stop what they need.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).resolve().parent.parent


def cpu_s(pid: int) -> float:
    """CPU time of one process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no VmRSS of {pid}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


# --- requests ----------------------------------------------------------------------------------
def event_request(port: int, path: str, id_: str, *, host: str = "", type_: str = "bench") -> bytes:
    """A binary CloudEvent of some 100 bytes as a POST."""
    body = (
        b'{"order": 4711, "item": "a small thing", "amount": 3, "note": "one event as they come"}'
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host or f'localhost:{port}'}\r\nce-specversion: 1.0\r\n"
        f"ce-type: {type_}\r\nce-source: /bench\r\nce-id: {id_}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask(port: int, host: str, path: str = "/", timeout_s: float = 30.0) -> tuple[int, bytes]:
    """One GET on a connection of its own: status and body. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as sock:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        sock.sendall(request.encode())
        data = b""
        while not _complete(data):
            chunk = sock.recv(65536)
            if not chunk:
                break
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1."):
        raise ConnectionError("no answer")
    return int(head.split(b" ")[1]), body


def _complete(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= content_length(head)


def content_length(head: bytes) -> int:
    """What the head announces; 0 when it announces nothing."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


# --- load --------------------------------------------------------------------------------------
@dataclass
class Load:
    """What a run has seen so far. `accepted` are ids whose answer was 2xx."""

    make: Callable[[str], bytes]
    running: bool = True
    sent: int = 0
    refused: int = 0
    accepted: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """Sends its next event when the last one was answered."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.load.sent += 1
        self.id = f"{self.load.sent}"
        self.sent_at = time.perf_counter()
        self.transport.write(self.load.make(self.id))

    def data_received(self, data: bytes) -> None:
        self.rest += data
        if not _complete(self.rest):
            return
        status, self.rest = int(self.rest[9:12]), b""
        if 200 <= status < 300:
            self.load.accepted.append(self.id)
            self.load.latencies.append(time.perf_counter() - self.sent_at)
        else:
            self.load.refused += 1
        if self.load.running:
            self._send()
        else:
            self.transport.close()


async def _run(load: Load, port: int, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        (await loop.create_connection(lambda: _Client(load), "127.0.0.1", port))[0]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    load.running = False
    for _ in range(1000):
        if all(transport.is_closing() for transport in opened):
            break
        await asyncio.sleep(0.01)
    return time.perf_counter() - began


def run_load(
    port: int, make: Callable[[str], bytes], *, connections: int, seconds: float
) -> tuple[Load, float]:
    """Post `make(id)` for `seconds`, then let answers in flight come. What happened, and how long it took."""
    load = Load(make)
    return load, uvloop.run(_run(load, port, connections, seconds))


# --- the sink ----------------------------------------------------------------------------------
class _Sink(asyncio.Protocol):
    """Answers every request at once with 200; `GET /count` tells how many POSTs there were, per path with `?/path`."""

    counts: dict[bytes, int] = {}  # noqa: RUF012 - one sink a process

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while self.rest:
            head, end, body = self.rest.partition(b"\r\n\r\n")
            length = content_length(head) if end else 0
            if not end or len(body) < length:
                return
            self.rest = body[length:]
            self._answer(head.split(b" ", 2))

    def _answer(self, line: list[bytes]) -> None:
        body = b""
        if line[0] == b"GET":
            body = str(sum(self.counts.values())).encode()
        else:
            self.counts[line[1]] = self.counts.get(line[1], 0) + 1
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def _serve_sink() -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def sink() -> Iterator[int]:
    """A counting sink in a process of its own: its port."""
    command = [sys.executable, str(Path(__file__)), "--serve-sink"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def sink_count(port: int) -> int:
    return int(ask(port, "localhost", "/count")[1])


if __name__ == "__main__" and "--serve-sink" in sys.argv:
    uvloop.run(_serve_sink())
